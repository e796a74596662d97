#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace rankscope::diagnose {

// When a step was first told, by any rank.
struct StepTime {
  int64_t step = 0;
  base::TimeNs time = 0;
};

// The rank-hours of `ranks` ranks in which training did not get on, from `started` until `until`: the time that there
// was, less what the steps beyond the furthest one before would have taken at the pace before (the median time a step
// of the last 200 steps before `started`). So a slowdown costs its share, a hang all of it, and steps that are made a
// second time after a restart count as lost. `steps` in the order of time. Nothing: before it, too few steps are known.
std::optional<double> RankHoursLost(const std::vector<StepTime>& steps, base::TimeNs started, base::TimeNs until,
                                    int64_t ranks);

}  // namespace rankscope::diagnose
