#include "base/clock.h"

#include <ctime>

namespace rankscope::base {
namespace {

int64_t Read(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<int64_t>(now.tv_sec) * kNsPerSecond + now.tv_nsec;
}

}  // namespace

TimeNs WallNow() { return Read(CLOCK_REALTIME); }
int64_t MonotonicNow() { return Read(CLOCK_MONOTONIC); }
int64_t CoarseMonotonicNow() { return Read(CLOCK_MONOTONIC_COARSE); }

}  // namespace rankscope::base
