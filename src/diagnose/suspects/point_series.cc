#include "diagnose/suspects/point_series.h"

#include <utility>

namespace rankscope::diagnose {

std::map<int32_t, PointSeries> PointsByRank(const Reading& reading) {
  std::map<int32_t, PointSeries> series;
  for (const Point& point : reading.points) {
    if (!point.evaluation) series[point.rank.value_or(-1)].push_back(&point);
  }
  return series;
}

Suspect Course(const Point& at, std::string_view failure, std::string_view kind, int score, std::string why) {
  return {at.line, failure, kind, Role::kCause, score, at.rank, Traceback::kNone, std::move(why)};
}

}  // namespace rankscope::diagnose
