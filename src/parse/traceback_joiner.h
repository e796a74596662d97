#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parse/line.h"
#include "parse/traceback_lines.h"

namespace rankscope::parse {

// Makes one Line of the lines of a traceback, and of its exception's message. Of ranks that share a channel, whose
// lines come one between another's, each has its own: told apart by what their launcher puts before every line
// ("[default3]:", "[rank3]: ", "3: "). Only such lines are kept back, and blank ones behind them: what others print
// meanwhile is out at once, so lines come out in order of each speaker only. Thread-compatible.
class TracebackJoiner {
 public:
  // A whole line, and where in the channel it lies.
  void Take(Line line, Span span, const EmitLine& emit);
  // Lets go what has waited long enough for more of the same traceback.
  void Tick(base::TimeNs now, const EmitLine& emit);
  void Flush(const EmitLine& emit);
  // Where the lines lie that are not out, in order.
  std::vector<Span> held() const;
  bool empty() const { return open_.empty(); }

 private:
  // Whose a line is, by its prefix; all of it empty: it has none.
  struct Speaker {
    std::optional<int32_t> node_rank, rank, local_rank;
    std::optional<int64_t> pid;
    std::string mark;  // MarkOfHead

    bool operator==(const Speaker&) const = default;
  };
  // A traceback of which more may come.
  struct Traceback {
    Line line;
    std::vector<Span> spans;
    Speaker speaker;
    TracebackShape shape = TracebackShape::kNone;
    std::string prefix = {};   // before each line of it, its message's too; empty: they tell by themselves
    base::TimeNs latest = 0;   // of its lines, and of those that may yet be its
    std::vector<Line> blanks;  // such lines
    bool in_frames = true;     // its exception line is to come
    bool is_head = true;       // and nothing else yet
  };

  using Place = std::list<Traceback>::iterator;

  void Begin(Line line, Span span);
  void Pass(Line line, const Speaker& speaker, const EmitLine& emit);
  Speaker SpeakerOf(std::string_view line) const;
  Place OpenOf(std::string_view line, const Speaker& speaker);
  static bool MayJoin(Traceback* traceback, std::string_view line);
  static void Join(Traceback* traceback, const Line& line, Span span);
  static bool HoldBlank(Traceback* traceback, const Line& line, Span span);
  static void Hold(Traceback* traceback, Span span);
  Place Close(Place traceback, const EmitLine& emit);

  std::list<Traceback> open_;  // one a speaker, in the order in which they began
  Speaker last_;               // of the last line
};

}  // namespace rankscope::parse
