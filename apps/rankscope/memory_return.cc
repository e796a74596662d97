#include "memory_return.h"

#include <malloc.h>

#include <utility>

namespace rankscope {
namespace {

constexpr std::clock_t kQuiet = CLOCKS_PER_SEC / 20;  // in a second: agents that say nothing, somebody who polls
constexpr int kReturnAfter_s = 5;

}  // namespace

MemoryReturn::MemoryReturn() {
  mallopt(M_ARENA_MAX, 2);  // buffers of megabytes wander from thread to thread: an arena a core would keep each
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

void MemoryReturn::Look() {
  std::clock_t now = std::clock();
  bool quiet = now - std::exchange(used_, now) < kQuiet;
  quiet_s_ = quiet ? quiet_s_ + 1 : 0;
  if (quiet_s_ == kReturnAfter_s) malloc_trim(0);
}

}  // namespace rankscope
