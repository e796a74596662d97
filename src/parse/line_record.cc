#include "parse/line_record.h"

#include <algorithm>
#include <array>

#include "model/ansi.h"
#include "parse/metric_formats.h"

namespace rankscope::parse {
namespace {

constexpr size_t kLongestMetricLine = 16384;
constexpr double kLargestStep = 1e15;

// Every metric format, tried in order; the first that knows the line decides.
constexpr std::array kFormats = {&ParsePythonDictLine, &ParseKeyValueLine};

bool Has(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The letter of a line of glog's, as PyTorch's C++ prints them: "E1103 14:05:02.123456 ", or "[rank0]:[E1103
// 14:05:02.…"; 0: it is none.
char GlogLetter(std::string_view text) {
  constexpr std::string_view kRank = "[rank";
  if (text.starts_with(kRank)) {
    size_t digits = kRank.size();
    while (digits < text.size() && IsDigit(text[digits])) ++digits;
    if (!text.substr(digits).starts_with("]:")) return 0;
    text.remove_prefix(digits + 2);
  }
  if (text.starts_with('[')) text.remove_prefix(1);
  bool date = text.size() > 8 && std::all_of(text.begin() + 1, text.begin() + 5, IsDigit) && text[5] == ' ';
  return date && IsDigit(text[6]) && IsDigit(text[7]) && text[8] == ':' ? text[0] : '\0';
}

// Whether a logger's word of a level stands in the text, by itself: "INFO:root:x", "[INFO] x", "… - INFO - x".
bool HasLevelWord(std::string_view text, std::string_view word) {
  constexpr std::string_view kBefore = " [|:(-", kAfter = " ]|:)-/";
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    size_t end = at + word.size();
    bool begins = at == 0 || kBefore.find(text[at - 1]) != std::string_view::npos;
    bool ends = end == text.size() || kAfter.find(text[end]) != std::string_view::npos;
    if (begins && ends) return true;
  }
  return false;
}

// Where a logger would have written its level.
std::string LevelOf(std::string_view text) {
  std::string_view head = text.substr(0, 160);
  switch (GlogLetter(head)) {
    case 'F':
      return "critical";
    case 'E':
      return "error";
    case 'W':
      return "warning";
    case 'I':
      return "info";
  }
  if (Has(head, "CRITICAL") || Has(head, "FATAL")) return "critical";
  if (Has(head, "Traceback (most recent call last)") || Has(head, "ERROR") || Has(head, "Error: ")) return "error";
  if (Has(head, "WARNING") || Has(head, "[WARN") || Has(head, "NCCL WARN") || Has(head, "Warning: ")) return "warning";
  if (HasLevelWord(head, "DEBUG")) return "debug";
  if (HasLevelWord(head, "INFO")) return "info";
  return "";
}

// A metric line has a number, and is one line.
bool MayBeMetricLine(std::string_view text) {
  return text.size() <= kLongestMetricLine && text.find_first_of("0123456789nN") != std::string_view::npos &&
         text.find('\n') == std::string_view::npos;
}

}  // namespace

void UnderstandLine(model::Record* record) {
  bool coloured = record->text.find('\x1b') != std::string::npos;
  std::string stripped = coloured ? model::StripAnsi(record->text) : std::string();
  std::string_view plain = coloured ? stripped : record->text;
  record->level = LevelOf(plain);
  if (!MayBeMetricLine(plain)) return;
  for (auto* parse : kFormats) {
    if (parse(plain, &record->fields)) break;
  }
  if (const auto* step = model::FindField(record->fields, "step")) {
    double value = model::AsNumber(*step).value_or(-1);
    if (value >= 0 && value < kLargestStep) record->step = static_cast<int64_t>(value);
  }
}

void MarkPart(const Line& line, model::Record* record) {
  if (line.part > 0) record->fields.emplace_back("line_part", static_cast<int64_t>(line.part));
  if (line.parts > 0) record->fields.emplace_back("line_parts", static_cast<int64_t>(line.parts));
}

}  // namespace rankscope::parse
