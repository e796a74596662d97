#include "parse/traceback_lines.h"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "model/ansi.h"
#include "parse/launcher_prefix.h"
#include "parse/progress_bar.h"

namespace rankscope::parse {
namespace {

constexpr std::string_view kTracebackHead = "Traceback (most recent call last):";
constexpr std::string_view kGroupHead = "+ Exception Group Traceback (most recent call last):";
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
  constexpr std::string_view kFile = "  File \"", kLine = "\", line ";
  if (!line.starts_with(kFile)) return false;
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

std::string_view WithoutLauncherPrefix(std::string_view line) {
  line.remove_prefix(ReadLinePrefix(line, {}).bytes);
  return line;
}

std::string_view PrefixOfLastWords(std::string_view line) {
  std::string_view prefix = line.substr(0, ReadLinePrefix(line, {}).bytes);
  const bool torchs = prefix.ends_with("]: ") && prefix.substr(prefix.rfind('[') + 1).starts_with("rank");
  return torchs ? prefix : std::string_view();
}

size_t BeginOfTraceback(std::string_view line) {
  if (ShapeOfHead(WithoutLauncherPrefix(line)) != TracebackShape::kNone) return 0;
  if (!line.ends_with(kTracebackHead)) return std::string_view::npos;
  const size_t head = line.size() - kTracebackHead.size();
  if (line.substr(0, head).ends_with(']')) return head;
  if (!FindEmbeddedPrefix(line).rank) return std::string_view::npos;
  return std::min(line.find("[rank"), line.find("[default"));
}

}  // namespace rankscope::parse
