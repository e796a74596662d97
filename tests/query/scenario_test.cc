// Runs text scenarios (records, query, expected answer) on the real store and on records in a vector.
//
// usage: scenario_test [--print] FILE.test…     --print: instead of failing, print the file with the answers there are
//
// A file: blocks separated by blank lines; # begins a comment line.
//   records            the records from here on, one JSON object a line (none of earlier blocks remain)
//   query NAME         the query on the next line (or several), ----, the rows, one JSON object a line
//   error NAME         the query, ----, the message
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>

#include "json_records.h"
#include "query/query.h"
#include "query/run.h"
#include "query/testing/naive_source.h"
#include "sources.h"

namespace rankscope {
namespace {

using Json = nlohmann::ordered_json;
using Lines = std::vector<std::string>;

const base::TimeNs kNow = *model::ParseTime("2026-11-01T00:10:00Z");

struct Block {
  std::string kind, name;
  Lines body, expected;
};

std::vector<Block> ReadBlocks(const std::string& path) {
  std::ifstream file(path);
  std::vector<Block> blocks;
  bool inside = false, answer = false;
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) inside = false;
    if (line.empty() || line[0] == '#') continue;
    if (!inside) {
      size_t blank = std::min(line.find(' '), line.size());
      blocks.push_back({line.substr(0, blank), line.substr(std::min(blank + 1, line.size())), {}, {}});
      inside = true;
      answer = false;
    } else if (line == "----") {
      answer = true;
    } else {
      (answer ? blocks.back().expected : blocks.back().body).push_back(line);
    }
  }
  return blocks;
}

std::string Joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

Lines Answer(query::LogSource* source, const std::string& text) {
  auto query = query::ParseQuery(text, kNow);
  if (!query.ok()) return {query.status().message()};
  Lines rows;
  base::Budget budget;
  base::Status status = query::RunQueryAsJson(source, *query, &budget, [&](std::string_view lines, size_t count) {
    for (; count > 0; --count) {
      rows.emplace_back(lines.substr(0, lines.find('\n')));
      lines.remove_prefix(rows.back().size() + 1);
    }
    return true;
  });
  if (!status.ok()) rows.push_back(status.message());
  return rows;
}

// Rows are equal as JSON, with their keys in the same order.
bool Same(const Lines& a, const Lines& b, bool json) {
  if (!json || a.size() != b.size()) return a == b;
  for (size_t i = 0; i < a.size(); ++i) {
    Json x = Json::parse(a[i], nullptr, false), y = Json::parse(b[i], nullptr, false);
    if (x.is_discarded() || x != y) return false;
  }
  return true;
}

class Scenarios {
 public:
  explicit Scenarios(bool print) : print_(print) {}

  void Run(const std::string& path) {
    for (const Block& block : ReadBlocks(path)) {
      if (block.kind == "records") {
        TakeRecords(block, path);
      } else if (block.kind == "query" || block.kind == "error") {
        Check(block, path);
      } else {
        Fail(path, block, "records, query or error", {block.kind});
      }
    }
  }
  int failures() const { return failures_; }
  int cases() const { return cases_; }

 private:
  void TakeRecords(const Block& block, const std::string& path) {
    naive_.records.clear();
    for (const std::string& line : block.body) {
      try {
        naive_.records.push_back(RecordOf(Json::parse(line), naive_.records.size() + 1));
      } catch (const std::exception& error) {
        Fail(path, block, error.what(), {line});
      }
    }
    store_ = std::make_unique<ScratchStores>(naive_.records);
    if (print_) std::printf("records\n%s\n\n", Joined(block.body).c_str());
  }

  void Check(const Block& block, const std::string& path) {
    ++cases_;
    if (!names_.insert(block.name).second) Fail(path, block, "a name of its own", {block.name});
    std::string text = Joined(block.body);
    Lines naive = Answer(&naive_, text),
          stored = Answer(store_ ? static_cast<query::LogSource*>(store_.get()) : &naive_, text);
    if (print_) {
      std::printf("%s %s\n%s\n----\n%s\n\n", block.kind.c_str(), block.name.c_str(), text.c_str(),
                  Joined(naive).c_str());
      return;
    }
    bool json = block.kind == "query";
    if (!Same(block.expected, naive, json)) Fail(path, block, Joined(block.expected), naive);
    if (!Same(block.expected, stored, json)) Fail(path + " (store)", block, Joined(block.expected), stored);
  }

  void Fail(const std::string& path, const Block& block, const std::string& wanted, const Lines& got) {
    ++failures_;
    std::printf("%s: %s\n  query: %s\n  want:\n%s\n  got:\n%s\n\n", path.c_str(), block.name.c_str(),
                Joined(block.body).substr(0, 400).c_str(), wanted.substr(0, 2000).c_str(),
                Joined(got).substr(0, 2000).c_str());
  }

  const bool print_;
  int failures_ = 0, cases_ = 0;
  std::set<std::string> names_;
  query::NaiveSource naive_;
  std::unique_ptr<ScratchStores> store_;
};

}  // namespace
}  // namespace rankscope

int main(int argc, char** argv) {
  bool print = argc > 1 && std::strcmp(argv[1], "--print") == 0;
  rankscope::Scenarios scenarios(print);
  for (int i = print ? 2 : 1; i < argc; ++i) scenarios.Run(argv[i]);
  if (!print) std::printf("%d cases, %d failures\n", scenarios.cases(), scenarios.failures());
  return scenarios.failures() > 0 || scenarios.cases() == 0 ? 1 : 0;
}
