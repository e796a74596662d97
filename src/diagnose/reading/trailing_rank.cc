#include "diagnose/reading/trailing_rank.h"

#include <re2/re2.h>

namespace rankscope::diagnose {
namespace {

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// "2026-02-03T10:00:07.050112Z ERROR shard-manager: launcher: …"; a container's reader has taken the time off.
bool BeginsMessage(std::string_view line) {
  static const re2::RE2 kHead(
      R"(^\s*(?:\d{4}-\d\d-\d\dT[\d:.]{8,20}Z +)?(?:ERROR|WARN|INFO|DEBUG|TRACE) [\w:.-]+(?:\{[^{}]*\})?: )");
  return re2::RE2::PartialMatch(Piece(line), kHead);
}

}  // namespace

void NameLinesByTrailingRank(Reading* reading) {
  static const re2::RE2 kField(R"((?:^|\s)rank=(\d{1,6})\s*$)"), kAlone(R"(^\s*rank=\d{1,6}\s*$)");
  const auto& lines = reading->read->lines;
  size_t begin = 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const bool head = BeginsMessage(lines[i].text);
    if (head || i == 0 || lines[i].file != lines[i - 1].file) begin = i;
    if (lines[i].text.find("rank=") == std::string_view::npos) continue;
    int32_t rank = 0;
    if (!head && !re2::RE2::PartialMatch(Piece(lines[i].text), kAlone)) continue;
    if (!re2::RE2::PartialMatch(Piece(lines[i].text), kField, &rank)) continue;
    for (size_t of_message = begin; of_message <= i; ++of_message) {
      if (!reading->ranks[of_message]) reading->ranks[of_message] = reading->bodies[of_message].rank = rank;
    }
    begin = i + 1;
  }
}

}  // namespace rankscope::diagnose
