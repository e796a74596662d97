#pragma once

#include <map>
#include <vector>

#include "diagnose/suspects/point_series.h"

namespace rankscope::diagnose {

// Steps that wait for data, or grow slower; a rank that holds the others back.
void FindSpeedCourses(const Reading& reading, const std::map<int32_t, PointSeries>& ranks, std::vector<Suspect>* found);

}  // namespace rankscope::diagnose
