#include "detect/watches/batch_shape.h"

#include <algorithm>
#include <cmath>

namespace rankscope::detect {
namespace {

constexpr size_t kFewest = 4;
constexpr int64_t kConfirm = 3;    // steps: rules of speed wait for as many at least
constexpr double kMargin = 0.15;   // of the usual
constexpr double kDeviations = 3;  // MADs; three steps in a row that are so by chance do no harm

}  // namespace

bool BatchShape::Take(const Point& point) {
  if (!std::isfinite(point.mean)) return false;
  if (usual_.size() < kFewest || !IsAway(point.mean)) {
    away_steps_ = 0;
    usual_.Add(point.mean);
    return false;
  }
  away_steps_ += point.steps;
  if (away_steps_ < kConfirm) return false;
  usual_.Clear();
  away_steps_ = 0;
  return true;
}

bool BatchShape::IsAway(double value) const {
  double median = usual_.Median(), distance = std::fabs(value - median);
  if (distance <= kMargin * std::fabs(median)) return false;
  return distance > kDeviations * usual_.MedianDeviation();
}

}  // namespace rankscope::detect
