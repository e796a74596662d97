#include "diagnose/suspects/untimed_end.h"

#include <algorithm>
#include <string>

#include "diagnose/suspects/silence.h"

namespace rankscope::diagnose {
namespace {

constexpr double kShare = 0.5;  // of what is not sure

bool TellsWhenStepsCame(const Reading& reading) {
  return std::any_of(reading.points.begin(), reading.points.end(),
                     [&](const Point& point) { return reading.read->lines[point.line].timed; });
}

}  // namespace

void TellPossibleHang(const Reading& reading, const Suspect& cause, Verdict* verdict) {
  if (!IsSignal(cause) || reading.points.empty() || !reading.finished.empty() || TellsWhenStepsCame(reading)) return;
  std::string why = "the reports have no times, so that nobody can tell how long no step had come before the signal";
  if (const Interrupted outside = FindInterrupted(reading); !outside.ranks.empty()) {
    why += "; if it hung, the others waited for rank " + std::to_string(outside.ranks.front()) + ": " + outside.why;
  }
  verdict->alternatives.insert(verdict->alternatives.begin(),
                               {"process_hung", kShare * (1 - verdict->confidence), std::move(why)});
  verdict->would_settle = {
      "how long no step had come before the signal: whoever ended it, or logs whose lines have times"};
}

}  // namespace rankscope::diagnose
