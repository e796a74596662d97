#pragma once

#include <algorithm>

#include "base/clock.h"

namespace rankscope::agent {

// When a line was read, by a wall clock that somebody may set. Set back by less than a second (NTP does that), it
// stands still until it has caught up, so that lines stay in the order in which they were printed; set back by more, it
// is believed. One thread.
class LineClock {
 public:
  base::TimeNs At(base::TimeNs wall) {
    bool set_back = wall <= last_ - base::kNsPerSecond;
    last_ = set_back ? wall : std::max(wall, last_);
    return last_;
  }

 private:
  base::TimeNs last_ = 0;
};

}  // namespace rankscope::agent
