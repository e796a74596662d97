#include "diagnose/suspects/curves.h"

#include <utility>

#include "diagnose/slowness/slow_work.h"
#include "diagnose/suspects/loss_courses.h"
#include "diagnose/suspects/speed_courses.h"

namespace rankscope::diagnose {

std::vector<Suspect> FindCourses(const Reading& reading) {
  std::vector<Suspect> found;
  const std::map<int32_t, PointSeries> ranks = PointsByRank(reading);
  FindLossCourses(reading, ranks, &found);
  FindSpeedCourses(reading, ranks, &found);
  if (auto slow = FindSlowWork(reading)) found.push_back(std::move(*slow));
  return found;
}

}  // namespace rankscope::diagnose
