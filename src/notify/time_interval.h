#pragma once

#include <string>
#include <vector>

#include "base/clock.h"

namespace rankscope::notify {

// A time of the week or the year at which a route is mute, as in Alertmanager. An empty list is every one.
struct TimeInterval {
  struct Range {
    int first = 0, last = 0;  // both within
  };
  std::vector<Range> minutes;   // of the day, 0 to 1439
  std::vector<Range> weekdays;  // 0 is Sunday
  std::vector<Range> days;      // of the month from 1; from its end where negative: -1 is the last
  std::vector<Range> months;    // from 1
  std::vector<Range> years;
  int offset_minutes = 0;  // of its clock, east of UTC

  bool Contains(base::TimeNs time) const;
};

}  // namespace rankscope::notify
