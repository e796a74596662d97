#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parse/line.h"
#include "parse/traceback_joiner.h"

namespace rankscope::parse {

// Turns the bytes of one channel (one rank's stdout, say) into lines. Pure: the caller passes the time.
// - Partial lines wait for their newline; `\r` progress bars collapse to their last state per second, and the
//   state before a `\n` is always kept; `\r\n` is a newline. Of ranks that share a channel, whose bars have names
//   ("rank 1:  42%|"), each bar's is kept.
// - A Python traceback (its head to its exception line; chained ones, those of groups and as rich draws them, and what
//   a syntax error has instead) is one Line, also where a launcher puts "[rank3]: " or "3: " before each of its lines,
//   and where those of other ranks come between them, which are out at once. The further lines of the exception's
//   message belong to it: behind torch's "[rank3]: " all of them, else those that are indented, or torch's own.
//   It waits a second for its exception line, a fifth of one to see what follows that. It begins a Line of its own
//   where a bar stands before it that no newline has ended.
// - A line over kMaxLineBytes is cut into several, which say so; nothing is dropped. NUL and other binary bytes are
// kept. Thread-compatible.
class LineAssembler {
 public:
  static constexpr size_t kMaxLineBytes = 256 * 1024;
  using Emit = EmitLine;

  LineAssembler() = default;
  // Begins, or goes on for another one, with so many bytes of the channel before; of the line there, so many parts out.
  explicit LineAssembler(uint64_t taken, uint32_t parts_out = 0) : taken_(taken), parts_(parts_out) {}

  void Feed(base::TimeNs time, std::string_view bytes, const Emit& emit);
  // Bytes that are out already, whole lines or what a line overwrote.
  void Skip(uint64_t bytes) { taken_ += bytes; }
  // Emits what waits only because more of the same traceback or bar might come, once `now` is a second later.
  void Tick(base::TimeNs now, const Emit& emit);
  // Emits whatever is held: the channel has ended.
  void Flush(const Emit& emit);
  // All of the channel that was taken, by Feed or Skip.
  uint64_t taken() const { return taken_; }
  // Where bytes lie that no emitted Line holds yet, in order (none = everything is out; a crash loses nothing).
  std::vector<Span> held() const;
  // Of the line with which what is held begins, or will: so many parts are out.
  uint32_t parts_out() const { return tracebacks_.empty() ? parts_ : 0; }

 private:
  enum class Ending { kNewline, kSizeLimit, kFlush };
  void EndLine(Ending ending, const Emit& emit);
  void NumberPart(Ending ending, Line* line);
  Line Bar(std::string_view state) const;
  void EmitBar(base::TimeNs time, const Emit& emit);
  void EmitOtherBars(std::string_view state, size_t overwritten, const Emit& emit) const;
  void NoteTimes(base::TimeNs time, std::string_view fresh);

  uint64_t taken_ = 0;
  std::string line_;    // since the last newline or cut
  uint32_t parts_ = 0;  // of it, cut off before
  TracebackJoiner tracebacks_;
  base::TimeNs line_time_ = 0;
  base::TimeNs state_time_ = 0;  // of what stands after the last carriage return
  base::TimeNs shown_time_ = 0;  // of what it will overwrite
  base::TimeNs bar_time_ = 0;    // when a bar state was last emitted
};

}  // namespace rankscope::parse
