#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "parse/traceback_lines.h"

namespace rankscope::parse {

// One line (or one traceback with its lines) as it was printed.
struct Line {
  base::TimeNs time = 0;  // when the first byte was read of what is shown
  std::string text;       // without the newline, ANSI kept
  bool partial = false;   // cut by Flush or by the size limit, no newline was seen
  uint32_t part = 0;      // 1, 2, …: its last line is a part of one that the size limit has cut; 0: it is whole
  uint32_t parts = 0;     // of the last part: how many there are
};

// Turns the bytes of one channel (one rank's stdout, say) into lines. Pure: the caller passes the time.
// - Partial lines wait for their newline; `\r` progress bars collapse to their last state per second, and the
//   state before a `\n` is always kept; `\r\n` is a newline. Of ranks that share a channel, whose bars have names
//   ("rank 1:  42%|"), each bar's is kept.
// - A Python traceback (its head to its exception line; chained ones, those of groups and as rich draws them, and what
//   a syntax error has instead) is one Line, also where torch or its launcher puts "[rank3]: " before each of its
//   lines. So are the further lines of the exception's message: behind torch's "[rank3]: " all of them, else those that
//   are indented, or torch's own.
//   It waits a fifth of a second, and for 8 lines, to see what follows. It begins a Line of its own where a bar stands
//   before it that no newline has ended.
// - A line over kMaxLineBytes is cut into several, which say so; nothing is dropped. NUL and other binary bytes are
// kept. Thread-compatible.
class LineAssembler {
 public:
  static constexpr size_t kMaxLineBytes = 256 * 1024;
  using Emit = std::function<void(Line)>;

  LineAssembler() = default;
  // Goes on where another one's held bytes began.
  explicit LineAssembler(uint32_t parts_out) : parts_(parts_out) {}

  void Feed(base::TimeNs time, std::string_view bytes, const Emit& emit);
  // Emits what waits only because more of the same traceback or bar might come, once `now` is a second later.
  void Tick(base::TimeNs now, const Emit& emit);
  // Emits whatever is held: the channel has ended.
  void Flush(const Emit& emit);
  // Bytes taken by Feed that no emitted Line holds yet (0 = everything is out; a crash loses nothing).
  size_t held_bytes() const;
  // Of the line with which these begin: so many parts are out.
  uint32_t parts_out() const { return traceback_.empty() ? parts_ : 0; }

 private:
  enum class Ending { kNewline, kSizeLimit, kFlush };
  void EndLine(Ending ending, const Emit& emit);
  void NumberPart(Ending ending, Line* line);
  void EmitBar(base::TimeNs time, const Emit& emit);
  void EmitOtherBars(std::string_view state, size_t overwritten, const Emit& emit) const;
  void NoteTimes(base::TimeNs time, std::string_view fresh);
  bool TakeIntoTraceback(Line* line, size_t bytes);
  bool Join(const Line& line, size_t bytes);
  void EmitTraceback(const Emit& emit);

  std::string line_;             // since the last newline or cut
  uint32_t parts_ = 0;           // of it, cut off before
  std::string traceback_;        // complete lines of a traceback in progress
  std::vector<Line> tail_;       // whole lines after it that may yet be its
  size_t traceback_bytes_ = 0;   // of both, as read, with what bars overwrote
  uint32_t traceback_part_ = 0;  // its last line's
  bool in_frames_ = false;       // its exception line is to come
  TracebackShape shape_ = TracebackShape::kNone;
  std::string prefix_;  // before each line of it, its message's too; empty: they tell by themselves
  base::TimeNs line_time_ = 0;
  base::TimeNs traceback_time_ = 0, last_line_time_ = 0;
  base::TimeNs state_time_ = 0;  // of what stands after the last carriage return
  base::TimeNs shown_time_ = 0;  // of what it will overwrite
  base::TimeNs bar_time_ = 0;    // when a bar state was last emitted
};

}  // namespace rankscope::parse
