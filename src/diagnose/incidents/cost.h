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

// How far a job had got on by some moment, and how fast: the median time a step of the last 200 that were told first.
struct Pace {
  int64_t furthest = 0;
  double ns_per_step = 0;
};

// Of the steps told before the moment, in any order; those that are made a second time do not count. Nothing: too few.
std::optional<Pace> PaceOf(std::vector<StepTime> steps);

// The rank-hours of `ranks` ranks in which training did not get on, from `started` until `until`: the time that there
// was, less what the steps up to `furthest`, beyond those before, would have taken at the pace before. So a slowdown
// costs its share, a hang all of it, and steps that are made a second time after a restart count as lost.
double RankHoursLost(const Pace& before, int64_t furthest, base::TimeNs started, base::TimeNs until, int64_t ranks);

}  // namespace rankscope::diagnose
