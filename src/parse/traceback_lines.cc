#include "parse/traceback_lines.h"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "model/ansi.h"
#include "parse/launcher_prefix.h"
#include "parse/leading_time.h"
#include "parse/line_record.h"
#include "parse/progress_bar.h"

namespace rankscope::parse {
namespace {

constexpr std::string_view kTracebackHead = "Traceback (most recent call last):";
constexpr std::string_view kGroupHead = "+ Exception Group Traceback (most recent call last):";
constexpr std::string_view kFrame = "  File \"";
constexpr std::string_view kBoxedHead = "Traceback (most recent call last)";

bool BeginsWithAny(std::string_view line, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](auto beginning) { return line.starts_with(beginning); });
}

std::string_view WithoutIndent(std::string_view line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return line;
}

// A box is drawn in colours, and in a terminal's lines or in letters.
bool IsOfBox(std::string_view line, std::initializer_list<std::string_view> edges) {
  if (!line.starts_with('\x1b')) return BeginsWithAny(line, edges);
  return BeginsWithAny(model::StripAnsi(line), edges);
}

// `  File "train.py", line 12`: what does not compile has no frames, and no head.
bool IsOfSyntaxError(std::string_view line) {
  constexpr std::string_view kLine = "\", line ";
  if (!line.starts_with(kFrame)) return false;
  size_t number = line.rfind(kLine);
  if (number == std::string_view::npos || number + kLine.size() == line.size()) return false;
  return line.find_first_not_of("0123456789", number + kLine.size()) == std::string_view::npos;
}

}  // namespace

TracebackShape ShapeOfHead(std::string_view line) {
  if (line.starts_with(kTracebackHead) || IsOfSyntaxError(line)) return TracebackShape::kPlain;
  if (WithoutIndent(line).starts_with(kGroupHead)) return TracebackShape::kGroup;
  const bool may_be_boxed = BeginsWithAny(line, {"\x1b", "╭", "+"}) && line.find(kBoxedHead) != std::string_view::npos;
  return may_be_boxed && IsOfBox(line, {"╭─", "+-"}) ? TracebackShape::kBoxed : TracebackShape::kNone;
}

bool IsFrame(std::string_view line, TracebackShape shape) {
  if (shape == TracebackShape::kGroup) return BeginsWithAny(WithoutIndent(line), {"|", "+"});
  if (shape == TracebackShape::kBoxed && IsOfBox(line, {"│", "╰", "|", "+"})) return true;
  if (shape == TracebackShape::kPlain && (line.empty() || BeginsWithAny(line, {" ", "> File \""}))) return true;
  return ShapeOfHead(line) != TracebackShape::kNone || IsLink(line);
}

bool IsLink(std::string_view line) {
  return BeginsWithAny(line, {"The above exception was the direct cause", "During handling of the above exception",
                              "Original Traceback (most recent call last):"});
}

bool IsBlank(std::string_view line) { return line.empty() || line == R"(""")"; }

bool IsMessage(std::string_view line) {
  if (BeginsWithAny(line, {" ", "\t"})) return !HasProgressBar(line);
  return BeginsWithAny(line,
                       {"CUDA kernel errors might be", "For debugging consider passing CUDA_", "Device-side assertion",
                        "Compile with `TORCH_USE_CUDA_DSA`", "Exception raised from ", "frame #"});
}

bool IsLogged(std::string_view line) {
  if (LeadingTime(line)) return true;
  model::Record record;
  record.text = line;
  UnderstandLine(&record);
  return !record.level.empty() || !record.fields.empty();
}

std::string_view WithoutLauncherPrefix(std::string_view line) {
  line.remove_prefix(ReadLinePrefix(line, {}).bytes);
  return line;
}

std::string_view PrefixOfLastWords(std::string_view line) {
  std::string_view prefix = line.substr(0, ReadLinePrefix(line, {}).bytes);
  const bool torchs = prefix.ends_with("]: ") && prefix.substr(prefix.rfind('[') + 1).starts_with("rank");
  return torchs ? prefix : std::string_view();
}

namespace {

// Where the first line behind the frames of the text's last traceback begins; npos: it has none.
size_t BehindFrames(std::string_view text) {
  size_t behind = std::string_view::npos;
  bool in_frames = false;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = WithoutLauncherPrefix(text.substr(at, end - at));
    if (ShapeOfHead(line) != TracebackShape::kNone || line.starts_with(kFrame)) {
      in_frames = true;
    } else if (in_frames && !IsFrame(line, TracebackShape::kPlain)) {
      in_frames = false;
      behind = at;
    }
    at = end + 1;
  }
  return in_frames ? std::string_view::npos : behind;
}

bool IsMessageToItsEnd(std::string_view lines, std::string_view prefix) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n')), text = WithoutLauncherPrefix(line);
    if (!(IsBlank(text) || IsMessage(text) || (!prefix.empty() && line.starts_with(prefix)))) return false;
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
  }
  return true;
}

}  // namespace

std::string_view LastWordsOf(std::string_view text) {
  text = text.substr(0, text.find_last_not_of("\r\n") + 1);
  if (size_t at = BehindFrames(text); at != std::string_view::npos) {
    const std::string_view exception = text.substr(at, text.find('\n', at) - at);
    const std::string_view below = text.substr(std::min(at + exception.size() + 1, text.size()));
    if (IsMessageToItsEnd(below, PrefixOfLastWords(exception))) return exception;
  }
  const size_t before = text.find_last_of("\r\n");
  return before == std::string_view::npos ? text : text.substr(before + 1);
}

std::string_view MarkOfHead(std::string_view line) {
  constexpr size_t kLongestName = 64;
  if (!line.ends_with(kTracebackHead)) return {};
  const std::string_view mark = line.substr(0, line.size() - kTracebackHead.size());
  if (ReadLinePrefix(line, {}).bytes == mark.size()) return {};
  PrefixHabits any;
  any.task_number = any.bracketed_number = any.service_name = any.replica = any.host_rank = any.pod = true;
  if (ReadLinePrefix(line, any).bytes == mark.size()) return mark;
  const bool is_host = mark.size() <= kLongestName && mark.find(' ') == mark.size() - 1 && mark.ends_with(": ") &&
                       mark.find_first_of("0123456789") != std::string_view::npos;
  return is_host ? mark : std::string_view();
}

size_t BeginOfTraceback(std::string_view line) {
  if (ShapeOfHead(WithoutLauncherPrefix(line)) != TracebackShape::kNone) return 0;
  if (!line.ends_with(kTracebackHead)) return std::string_view::npos;
  const size_t head = line.size() - kTracebackHead.size();
  if (line.substr(0, head).ends_with(']')) return head;
  if (!MarkOfHead(line).empty()) return 0;
  if (!FindEmbeddedPrefix(line).rank) return std::string_view::npos;
  return std::min(line.find("[rank"), line.find("[default"));
}

}  // namespace rankscope::parse
