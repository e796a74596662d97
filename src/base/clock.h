#pragma once

#include <cstdint>

namespace rankscope::base {

// Nanoseconds since the Unix epoch, UTC.
using TimeNs = int64_t;

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kNsPerMs = 1'000'000;

// The wall clock of this machine. Rooms that promise replay (model, detect) never call it.
TimeNs WallNow();

// A clock that never goes backwards; its zero means nothing.
int64_t MonotonicNow();
// The same up to some ms ago, at a fraction of the cost. Not to be compared with the other.
int64_t CoarseMonotonicNow();

}  // namespace rankscope::base
