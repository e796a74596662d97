#include "base/memory_return.h"

#include <malloc.h>

#include <utility>

namespace rankscope::base {
namespace {

constexpr std::clock_t kQuiet = CLOCKS_PER_SEC / 20;  // in a second: agents that say nothing, somebody who polls
constexpr std::clock_t kWork = CLOCKS_PER_SEC / 100;  // may have left memory; records that trickle in are quiet, too
constexpr int kReturnAfter_s = 5;

}  // namespace

MemoryReturn::MemoryReturn() {
  // Buffers of megabytes wander from thread to thread: an arena a core would keep each. One, since of another one
  // malloc_trim leaves what is free at its end, which may be all of it.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

bool MemoryReturn::Look(std::clock_t used) {
  bool quiet = used - std::exchange(used_, used) < kQuiet;
  quiet_s_ = quiet ? quiet_s_ + 1 : 0;
  if (quiet_s_ < kReturnAfter_s || used - used_at_return_ < kWork) return false;
  malloc_trim(0);
  quiet_s_ = 0;
  used_at_return_ = used;
  return true;
}

}  // namespace rankscope::base
