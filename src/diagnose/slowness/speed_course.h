#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// How fast one rank went: a value for each of its reports that tells its speed, more is faster.
struct SpeedCourse {
  std::vector<const Point*> points;
  std::vector<double> speeds;  // smoothed
  double before = 0;           // usual, early in the run
  double worst = 0;            // of the slowest stretch
  double after = 0;            // at last
  // Of the first report of a stretch that is slower than before for good, or for long; none: it never slows.
  std::optional<size_t> onset;
  size_t worst_at = 0;                // where the slowest stretch begins
  std::optional<size_t> recovers_at;  // from where on it is nearly as fast again until the end
};

// Of each rank with enough reports, by throughput where it has one, else by the time of a step.
std::map<int32_t, SpeedCourse> FindSpeedCourses(const Reading& reading);

// "tokens/s", or "steps/s" where only the times of steps are known.
std::string_view SpeedUnit(const std::map<int32_t, SpeedCourse>& courses);

}  // namespace rankscope::diagnose
