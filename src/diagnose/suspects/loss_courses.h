#pragma once

#include <map>
#include <vector>

#include "diagnose/suspects/point_series.h"

namespace rankscope::diagnose {

// Loss or gradient norm that is no number, a loss that leaves its course, loss scales that fall without end.
void FindLossCourses(const Reading& reading, const std::map<int32_t, PointSeries>& ranks, std::vector<Suspect>* found);

}  // namespace rankscope::diagnose
