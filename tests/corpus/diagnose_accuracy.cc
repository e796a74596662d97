// How often `diagnose` is right over logs whose failure is known: ../shared/corpus (absent: skipped).
//   diagnose_accuracy FOLDER [--show CLASS|all]
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "diagnose/signatures/signature_set.h"
#include "diagnose/verdict/verdict.h"

namespace {

using nlohmann::json;
using namespace rankscope;  // NOLINT(google-build-using-namespace)

struct Score {
  int right = 0, all = 0;
  void Add(bool is_right) {
    right += is_right ? 1 : 0;
    ++all;
  }
  double share() const { return all == 0 ? 1 : static_cast<double>(right) / all; }
};

struct Tally {
  Score failure, root, culprit, healthy;
};

// What this program's answers must not fall below over the corpus.
constexpr double kFailure = 0.98, kRoot = 0.98, kCulprit = 1, kHealthy = 1;

bool Holds(const json& list, const std::string& value) {
  return list.is_array() && std::find(list.begin(), list.end(), json(value)) != list.end();
}

std::string Trimmed(const std::string& text) {
  size_t begin = text.find_first_not_of(" \t\r"), end = text.find_last_not_of(" \t\r");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

// A prefix that the reader took off does not make it another line.
bool SameLine(const std::string& expected, const std::string& found) {
  std::string a = Trimmed(expected), b = Trimmed(found);
  return !b.empty() && (a == b || a.find(b) != std::string::npos || b.find(a) != std::string::npos);
}

bool IsRootRight(const json& row, const diagnose::Verdict& verdict) {
  if (SameLine(row["root_line"].get<std::string>(), verdict.root_line)) return true;
  for (const json& other : row["alt_root_lines"]) {
    if (SameLine(other.get<std::string>(), verdict.root_line)) return true;
  }
  return false;
}

class Corpus {
 public:
  explicit Corpus(std::string show) : show_(std::move(show)) {}

  void Take(const json& row) {
    std::string failure = row["class"];
    diagnose::Verdict verdict = Judge(row["log"]);
    bool right =
        verdict.failure == failure || (row.contains("also_right") && Holds(row["also_right"], verdict.failure));
    bool root = failure == "none" || IsRootRight(row, verdict);
    bool culprit = true;
    tally_[failure].failure.Add(right);
    all_.failure.Add(right);
    if (failure == "none") all_.healthy.Add(verdict.failure == "none");
    if (failure != "none") {
      tally_[failure].root.Add(root);
      all_.root.Add(root);
    }
    if (row["culprit_rank"].is_number()) {
      culprit = verdict.culprit && verdict.culprit->rank == row["culprit_rank"].get<int32_t>();
      tally_[failure].culprit.Add(culprit);
      all_.culprit.Add(culprit);
    }
    if (!(right && root && culprit) && (show_ == "all" || show_ == failure)) Show(row, verdict);
  }

  bool Report() const {
    for (const auto& [name, tally] : tally_) Print(name, tally);
    Print("all", all_);
    std::printf("%-34s %d/%d\n", "healthy called healthy", all_.healthy.right, all_.healthy.all);
    return all_.failure.share() >= kFailure && all_.root.share() >= kRoot && all_.culprit.share() >= kCulprit &&
           all_.healthy.share() >= kHealthy;
  }

 private:
  static diagnose::Verdict Judge(const std::string& log) {
    auto path = std::filesystem::temp_directory_path() / ("diagnose_accuracy." + std::to_string(getpid()) + ".log");
    std::ofstream(path) << log;
    auto read = diagnose::ReadCase({path.string()}, diagnose::TellingLines());
    std::filesystem::remove(path);
    return read.ok() ? diagnose::Diagnose(*read) : diagnose::Verdict();
  }

  static void Print(const std::string& name, const Tally& tally) {
    std::printf("%-34s class %d/%d  root %d/%d  culprit %d/%d\n", name.c_str(), tally.failure.right, tally.failure.all,
                tally.root.right, tally.root.all, tally.culprit.right, tally.culprit.all);
  }

  static void Show(const json& row, const diagnose::Verdict& verdict) {
    std::printf("## %s (%s): %s / %s, rank %s\n   root  %s\n   found %s\n", row["id"].get<std::string>().c_str(),
                row["subclass"].is_string() ? row["subclass"].get<std::string>().c_str() : "", verdict.failure.c_str(),
                verdict.kind.c_str(),
                verdict.culprit && verdict.culprit->rank ? std::to_string(*verdict.culprit->rank).c_str() : "-",
                row["root_line"].dump().c_str(), verdict.root_line.c_str());
  }

  std::string show_;
  std::map<std::string, Tally> tally_;
  Tally all_;
};

}  // namespace

int main(int argc, char** argv) {
  std::string folder = argc > 1 ? argv[1] : "../shared";
  std::ifstream rows(folder + "/corpus/dev.jsonl");
  if (!rows) {
    std::printf("skipped: %s/corpus/dev.jsonl is absent\n", folder.c_str());
    return 0;
  }
  Corpus corpus(argc > 3 ? argv[3] : "");
  for (std::string line; std::getline(rows, line);) corpus.Take(json::parse(line));
  return corpus.Report() ? 0 : 1;
}
