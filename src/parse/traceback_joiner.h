#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include "parse/line.h"
#include "parse/traceback_lines.h"

namespace rankscope::parse {

// Makes one Line of the lines of a traceback, and of its exception's message. Of ranks that share a channel, whose
// lines come one between another's, each has its own: told apart by what their launcher puts before every line
// ("[default3]:", "[rank3]: ", "3: "). Lines come out in the order in which they (of a traceback its head) came, and
// none before what began amid its own, so that what is held is always the end of what was taken. Thread-compatible.
class TracebackJoiner {
 public:
  // A whole line, of so many bytes as read, of which the first `overwritten` are told already.
  void Take(Line line, size_t bytes, size_t overwritten, const EmitLine& emit);
  // Lets go what has waited long enough for more of the same traceback.
  void Tick(base::TimeNs now, const EmitLine& emit);
  void Flush(const EmitLine& emit);
  size_t held_bytes() const { return bytes_; }
  bool empty() const { return held_.empty(); }

 private:
  // Whose a line is, by its prefix; all of it empty: it has none.
  struct Speaker {
    std::optional<int32_t> node_rank, rank, local_rank;
    std::optional<int64_t> pid;
    std::string mark;  // MarkOfHead

    bool operator==(const Speaker&) const = default;
  };
  // A traceback, or a line behind the first.
  struct Held {
    Line line;
    size_t bytes = 0;
    Speaker speaker;
    bool open = false;           // a traceback of which more may come
    size_t first = 0, last = 0;  // numbers, among all that were taken, of its lines
    // Of such a one:
    bool in_frames = true;  // its exception line is to come
    bool is_head = true;    // and nothing else yet
    TracebackShape shape = TracebackShape::kNone;
    std::string prefix = {};  // before each line of it, its message's too; empty: they tell by themselves
    base::TimeNs latest = 0;  // of its lines, and of those that may yet be its
    size_t behind = 0;        // such lines
    bool only_blank = true;   // such lines
  };

  using Place = std::list<Held>::iterator;

  void Begin(Line line, size_t begin, size_t bytes, size_t overwritten);
  Speaker SpeakerOf(std::string_view line) const;
  Place OpenOf(std::string_view line, const Speaker& speaker);
  static bool MayJoin(Held* traceback, std::string_view line);
  void Join(Place traceback, const Line& line, size_t bytes);
  void Hold(Line line, size_t bytes, const Speaker& speaker);
  void Release(const EmitLine& emit);

  std::list<Held> held_;  // in the order in which they began; the first is a traceback
  size_t bytes_ = 0;      // of all
  size_t taken_ = 0;      // lines that were held
  Speaker last_;          // of the last line
};

}  // namespace rankscope::parse
