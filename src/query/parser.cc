#include <algorithm>
#include <array>

#include "model/words.h"
#include "query/filter_parser.h"
#include "query/pipes.h"
#include "query/query.h"

namespace rankscope::query {
namespace {

using model::Filter;

constexpr size_t kLongestQuery = 1 << 20;
constexpr size_t kMostPipes = 32;

struct PipeKind {
  std::string_view name;
  base::Result<Pipe> (*parse)(Scanner*);
  bool takes_records;  // and not the rows that a table-making pipe gives
  bool makes_table;
};

// Every pipe.
constexpr std::array<PipeKind, 8> kPipes = {{{"stats", ParseStats, false, true},
                                             {"sort", ParseSort, false, false},
                                             {"limit", ParseLimit, false, false},
                                             {"fields", ParseFields, false, true},
                                             {"patterns", ParsePatterns, true, true},
                                             {"context", ParseContext, true, false},
                                             {"first", ParseFirst, false, false},
                                             {"join", ParseJoin, true, false}}};

std::string PipeNames() {
  std::string names;
  for (const PipeKind& kind : kPipes) names += (names.empty() ? "" : ", ") + std::string(kind.name);
  return names;
}

class QueryParser {
 public:
  QueryParser(std::string_view text, base::TimeNs now) : scanner_(text), now_(now) {}

  base::Result<Query> Parse() {
    RETURN_IF_ERROR(CheckUtf8());
    ASSIGN_OR_RETURN(query_.filter, ParseFilter(&scanner_, now_));
    ChooseProject();
    while (scanner_.Take('|')) {
      scanner_.SkipBlanks();
      RETURN_IF_ERROR(OnePipe());
      scanner_.SkipBlanks();
      if (!scanner_.at_end() && scanner_.peek() != '|') return scanner_.Wrong("expected | or the end");
    }
    return std::move(query_);
  }

 private:
  base::Status CheckUtf8() const {
    std::string_view text = scanner_.rest();
    for (size_t at = 0; at < text.size();) {
      model::CodePoint point = model::FirstCodePoint(text.substr(at));
      bool invalid = point.size == 1 && static_cast<unsigned char>(text[at]) >= 0x80;
      if (invalid) return scanner_.Complain(at, "this byte is not UTF-8");
      at += point.size;
    }
    return {};
  }

  base::Status OnePipe() {
    size_t begin = scanner_.position();
    const auto* kind =
        std::find_if(kPipes.begin(), kPipes.end(), [this](const PipeKind& k) { return scanner_.TakeKeyword(k.name); });
    if (kind == kPipes.end()) return scanner_.Wrong("expected a pipe (" + PipeNames() + ")");
    if (query_.pipes.size() == kMostPipes) return scanner_.Complain(begin, "more than 32 pipes");
    if (kind->takes_records && !table_maker_.empty()) {
      return scanner_.Complain(begin, std::string(kind->name) + " works on records: write it before " + table_maker_);
    }
    if (kind->makes_table) table_maker_ = kind->name;
    scanner_.SkipBlanks();
    ASSIGN_OR_RETURN(Pipe pipe, kind->parse(&scanner_));
    query_.pipes.push_back(std::move(pipe));
    return {};
  }

  // A project that all records must be of is where to look, and no condition on what is found there.
  void ChooseProject() {
    auto is_project = [](const Filter& f) { return f.kind == Filter::Kind::kEquals && f.name == "project"; };
    Filter& filter = query_.filter;
    if (is_project(filter)) filter = Filter::And({std::move(filter)});
    if (filter.kind != Filter::Kind::kAnd) return;
    auto found = std::find_if(filter.children.begin(), filter.children.end(), is_project);
    if (found == filter.children.end()) return;
    query_.project = found->text;
    filter.children.erase(found);
  }

  Scanner scanner_;
  const base::TimeNs now_;
  Query query_;
  std::string table_maker_;
};

}  // namespace

base::Result<Query> ParseQuery(std::string_view text, base::TimeNs now) {
  if (text.size() > kLongestQuery) return base::Status::Invalid("query: longer than 1 MiB");
  return QueryParser(text, now).Parse();
}

}  // namespace rankscope::query
