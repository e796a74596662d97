#include "diagnose/reading/line_body.h"

#include <re2/re2.h>

namespace rankscope::diagnose {
namespace {

// One piece of a prefix. Tried again and again from the left.
const re2::RE2& RankPiece() {
  static const re2::RE2 regex(
      R"(^(?:\[[Rr]ank(?:: ?| ?|=)(\d{1,6})\]:?|(?:\S{1,60} )?\[default(\d{1,4})\]:|\[RANK (\d{1,6})\]|[Rr]ank(?: |: +)(\d{1,6})(?:: | \| )|<rank (\d{1,6})>:?|\(rank (\d{1,6})\):?|\[\d+,(\d{1,6})\]<std(?:err|out)>:|\[(?:(?:GPU|gpu|cuda|[Pp]rocess|R)[ :_-]?|[Ww]orker-)(\d{1,4})\]:?|\[?(?:SLURM_)?PROCID[=:]? ?(\d{1,6})(?:\]:?|: )|\d{4}-\d\d-\d\d-\d\d:\d\d:\d\d \(PID:\d+, Device:-?\d+, RankID:(\d{1,6})\)|\[(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(?:\.\d+)? (?:(?:DP\d+ )?(?:PP0 )?TP|DP)(\d{1,4})(?: [DE]P\d+)*\]|[\w-]+:(\d{1,5})\t|\d{1,3}(?:\.\d{1,3}){3} \[(\d{1,6})\]))");
  return regex;
}

const re2::RE2& LevelPiece() {
  static const re2::RE2 regex(
      R"(^(?:\[?(DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)\b ?(?:\|[^\]|]{0,80}\](?:[:|]| ?- |\s+|$)|\| ?[\w.=-]{1,40} ?\||\]?(?:[:|]| ?- |\s+|$))|\[([DIWEF])(?:\d{3,4} [^\]]{0,120}| [\w./]+\.\w+:\d+)\]|([DIWE])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w./-]+:\d+\]))");
  return regex;
}

const re2::RE2& OtherPiece() {
  static const re2::RE2 regex(
      R"(^(?:\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d[.,\d]*(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?\]?:?)"
      R"(|\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]?|\d\d[/-]\d\d(?:/\d{2,4})? \d\d:\d\d:\d\d)"
      R"(|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d\b|\(\w[\w.:]*(?:\([^()]{0,60}\))? pid=\d+(?:, ip=[\d.a-f:]+)?\))"
      R"(|std(?:err|out): |<(?:info|warning|error|debug|trace)?>\s|[0-9a-f]{8} \|\||\[[\w./-]+:\d+(?::[\w.<>]+)?\]|\[[\w.]+(?:\.[\w.]+)+\]|[\w./-]+\.(?:py|cc|cpp):\d+(?:\]|:| -)|\[PID:\d+\]|\[\d+/(?:[\w-]+/)?\d+(?:_\d+| \(pid \d+\))?\]|\[[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\]|\[\d\d/\d\d/\d{4}-\d\d:\d\d:\d\d\]|\[(?:TRT-LLM|TensorRT-LLM)\]|- [\w./-]+ - |[\w./-]+(?::\d+)?[ \t]*\t|\||- |: |E {3}))");
  return regex;
}

// A mail or a thread that quotes a log begins its lines so; loguru marks one frame of a traceback likewise.
bool DropQuote(re2::StringPiece* rest) {
  if (!rest->starts_with("> ") || rest->starts_with("> File \"")) return false;
  rest->remove_prefix(1);
  return true;
}

// Who posted the log set the line in bold. A banner has more stars.
void DropEmphasis(re2::StringPiece* text) {
  static const re2::RE2 kBold(R"(\*\*([^*].*[^*]|[^*])\*\*\s*)");
  if (text->starts_with("**")) re2::RE2::FullMatch(*text, kBold, text);
}

bool Drop(const re2::RE2& regex, re2::StringPiece* rest) { return re2::RE2::Consume(rest, regex); }

bool DropRank(re2::StringPiece* rest, std::optional<int32_t>* rank) {
  re2::StringPiece number[13];
  if (!re2::RE2::Consume(rest, RankPiece(), &number[0], &number[1], &number[2], &number[3], &number[4], &number[5],
                         &number[6], &number[7], &number[8], &number[9], &number[10], &number[11], &number[12])) {
    return false;
  }
  for (const re2::StringPiece& digits : number) {
    if (!digits.empty() && !*rank) *rank = std::atoi(digits.as_string().c_str());
  }
  return true;
}

bool DropLevel(re2::StringPiece* rest, char* level) {
  re2::StringPiece word, bracket, glog;
  if (!re2::RE2::Consume(rest, LevelPiece(), &word, &bracket, &glog)) return false;
  const re2::StringPiece& said = !word.empty() ? word : !bracket.empty() ? bracket : glog;
  *level = said[0] == 'C' ? 'F' : said[0] == 'N' ? 'I' : said[0];
  return true;
}

}  // namespace

LineBody ReadLineBody(std::string_view line) {
  LineBody body;
  re2::StringPiece rest(line.data(), line.size());
  body.indented = line;
  for (;;) {
    size_t spaces = 0;
    while (spaces < rest.size() && (rest[spaces] == ' ' || rest[spaces] == '\t')) ++spaces;
    re2::StringPiece message = rest.substr(spaces);
    re2::StringPiece before = message;
    if (!DropRank(&message, &body.rank) && !DropLevel(&message, &body.level) && !Drop(OtherPiece(), &message) &&
        !DropQuote(&message)) {
      DropEmphasis(&before);
      body.text = {before.data(), before.size()};
      return body;
    }
    rest = message;
    // One space belongs to the prefix, what follows is indentation.
    if (!rest.empty() && rest[0] == ' ') rest.remove_prefix(1);
    body.indented = {rest.data(), rest.size()};
  }
}

}  // namespace rankscope::diagnose
