#include "diagnose/reading/section_rank.h"

#include <re2/re2.h>

#include <string>

#include "parse/log_folder.h"

namespace rankscope::diagnose {
namespace {

bool MayBeHeading(std::string_view line) {
  return line.starts_with("==> ") || line.starts_with("---") || line.starts_with("Process ");
}

}  // namespace

std::optional<int32_t> SectionRank::Take(uint32_t file, std::string_view line) {
  static const re2::RE2 kOutput(R"(^-+ ?(Begin|End) (?:global )?rank (\d{1,6}) STD(?:OUT|ERR) ?-+\s*$)"),
      kFile(R"(^==> (\S+) <==\s*$)"), kProcess(R"(^Process \d+: (.*))"),
      kOption(R"(\s--(?:local[-_])?rank[= ](\d{1,6})\b)");
  auto section = of_file_.find(file);
  if (!MayBeHeading(line)) return section == of_file_.end() ? std::nullopt : section->second;
  const re2::StringPiece piece(line.data(), line.size());
  std::string word;
  int32_t rank = 0;
  if (re2::RE2::FullMatch(piece, kOutput, &word, &rank)) {
    of_file_[file] = word == "Begin" ? std::optional(rank) : std::nullopt;
  } else if (re2::RE2::FullMatch(piece, kFile, &word)) {
    of_file_[file] = parse::DescribeLogFile(word).origin.rank;
  } else if (re2::RE2::FullMatch(piece, kProcess, &word)) {
    of_file_[file] = re2::RE2::PartialMatch(word, kOption, &rank) ? std::optional(rank) : std::nullopt;
  }
  section = of_file_.find(file);
  return section == of_file_.end() ? std::nullopt : section->second;
}

}  // namespace rankscope::diagnose
