#include "parse/line_assembler.h"

#include <algorithm>
#include <utility>

#include "parse/launcher_prefix.h"

namespace rankscope::parse {
namespace {

constexpr std::string_view kTracebackHead = "Traceback (most recent call last):";
constexpr size_t kMaxTracebackBytes = 128 * 1024;
constexpr int64_t kBarInterval = base::kNsPerSecond;
constexpr int64_t kTracebackPatience = base::kNsPerSecond;

// Lines of one traceback have the same prefix, which stays in the text.
std::string_view WithoutLauncherPrefix(std::string_view line) {
  line.remove_prefix(ReadLinePrefix(line, {}).bytes);
  return line;
}

// Whether the line goes on with a traceback: its frames are indented, chained ones are announced, and its exception
// line is the first that is not indented.
bool Continues(std::string_view line) {
  return line.empty() || line.front() == ' ' || line.starts_with(kTracebackHead) ||
         line.starts_with("The above exception was the direct cause") ||
         line.starts_with("During handling of the above");
}

// Where a traceback begins in the line, be it behind a bar that no newline has ended; npos: none does.
size_t BeginOfTraceback(std::string_view line) {
  if (WithoutLauncherPrefix(line).starts_with(kTracebackHead)) return 0;
  if (!line.ends_with(kTracebackHead)) return std::string_view::npos;
  const size_t head = line.size() - kTracebackHead.size();
  if (line.substr(0, head).ends_with(']')) return head;
  if (!FindEmbeddedPrefix(line).rank) return std::string_view::npos;
  return std::min(line.find("[rank"), line.find("[default"));
}

// What a terminal would show of "bar 1%\rbar 2%": the text after the last carriage return that is followed by any.
std::string_view LastState(std::string_view line) {
  size_t end = line.find_last_not_of('\r');
  if (end == std::string_view::npos) return {};
  line = line.substr(0, end + 1);
  size_t cr = line.rfind('\r');
  return cr == std::string_view::npos ? line : line.substr(cr + 1);
}

}  // namespace

void LineAssembler::Feed(base::TimeNs time, std::string_view bytes, const Emit& emit) {
  while (!bytes.empty()) {
    if (line_.empty()) line_time_ = time;
    size_t newline = bytes.find('\n');
    size_t room = kMaxLineBytes - line_.size();
    size_t take = std::min({newline, bytes.size(), room});
    line_.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    if (!bytes.empty() && bytes.front() == '\n' && take == newline) {
      bytes.remove_prefix(1);
      EndLine(false, emit);
    } else if (line_.size() >= kMaxLineBytes) {
      EndLine(true, emit);
    }
  }
  EmitBar(time, emit);
}

// A bar that is redrawn for minutes shows a state a second; what it overwrote is gone, as on a terminal.
void LineAssembler::EmitBar(base::TimeNs time, const Emit& emit) {
  size_t last = line_.rfind('\r');
  if (last == std::string::npos || time - bar_time_ < kBarInterval) return;
  std::string_view done = std::string_view(line_).substr(0, last);
  std::string state(LastState(done));
  if (state.empty()) return;
  bar_time_ = time;
  line_.erase(0, last + 1);
  emit({line_time_, std::move(state), true});
  line_time_ = time;
}

void LineAssembler::EndLine(bool partial, const Emit& emit) {
  std::string text(LastState(line_));
  size_t bytes = line_.size() + (partial ? 0 : 1);
  line_.clear();
  if (!traceback_.empty()) {
    bool more = Continues(WithoutLauncherPrefix(text)) && traceback_.size() < kMaxTracebackBytes;
    traceback_ += "\n" + text;
    traceback_bytes_ += bytes;
    if (!more) EmitTraceback(emit);
    return;
  }
  if (size_t begin = BeginOfTraceback(text); begin != std::string::npos) {
    if (begin > 0) emit({line_time_, text.substr(0, begin), false});
    traceback_ = text.substr(begin);
    traceback_time_ = line_time_;
    traceback_bytes_ = bytes - begin;
    return;
  }
  emit({line_time_, std::move(text), partial});
}

void LineAssembler::EmitTraceback(const Emit& emit) {
  traceback_bytes_ = 0;
  emit({traceback_time_, std::exchange(traceback_, {}), false});
}

void LineAssembler::Tick(base::TimeNs now, const Emit& emit) {
  if (!traceback_.empty() && now - traceback_time_ > kTracebackPatience) EmitTraceback(emit);
  EmitBar(now, emit);
}

void LineAssembler::Flush(const Emit& emit) {
  if (!line_.empty()) EndLine(true, emit);
  if (!traceback_.empty()) EmitTraceback(emit);
}

size_t LineAssembler::held_bytes() const { return line_.size() + traceback_bytes_; }

}  // namespace rankscope::parse
