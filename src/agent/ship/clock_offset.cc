#include "agent/ship/clock_offset.h"

#include <algorithm>
#include <cstdlib>

#include "base/clock.h"

namespace rankscope::agent {
namespace {

constexpr int64_t kStep = base::kNsPerSecond;  // a larger change is a clock that was set
constexpr int64_t kTolerance = 20 * base::kNsPerMs;

}  // namespace

void ClockOffset::Measure(int64_t offset, int64_t round_trip, int64_t wall_less_monotonic) {
  int64_t change = offset - value_;
  int64_t own_step = wall_less_monotonic - wall_less_monotonic_;
  int64_t step = kStep + uncertainty_;
  bool server_was_set = known_ && std::llabs(change) > step && std::llabs(change + own_step) > step;
  if (server_was_set) {
    if (std::llabs(own_step) > kStep) value_ -= own_step;
  } else {
    bool moves = std::llabs(change) > kTolerance + round_trip;
    if (moves) value_ = offset;
    uncertainty_ = moves || !known_ ? round_trip : std::min(uncertainty_, round_trip);
  }
  known_ = true;
  wall_less_monotonic_ = wall_less_monotonic;
}

}  // namespace rankscope::agent
