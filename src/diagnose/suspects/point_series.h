#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

using PointSeries = std::vector<const Point*>;

// Fewer reports have no course.
constexpr size_t kFewestReports = 8;

// The training points of each rank; of those without one, by -1.
std::map<int32_t, PointSeries> PointsByRank(const Reading& reading);

// A suspect that is no line's words but the course that the point belongs to; `why`: its figures.
Suspect Course(const Point& at, std::string_view failure, std::string_view kind, int score, std::string why);

}  // namespace rankscope::diagnose
