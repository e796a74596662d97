#include "detect/detectors/trend.h"

#include <algorithm>
#include <cstdint>

#include "detect/detectors/statistics.h"

namespace rankscope::detect {

Trend TrendOf(const std::vector<double>& values) {
  Trend trend;
  trend.slope = TheilSenSlope(values);
  trend.rise = trend.slope * static_cast<double>(values.size() - 1);
  int64_t pairs = 0, agreeing = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = i + 1; j < values.size(); ++j) {
      ++pairs;
      agreeing += values[j] > values[i] ? 1 : values[j] < values[i] ? -1 : 0;
    }
  }
  trend.agreement = static_cast<double>(agreeing) / static_cast<double>(pairs);
  for (size_t i = 1; i < values.size(); ++i) {
    double jump = values[i] - values[i - 1];
    trend.largest_jump = std::max(trend.largest_jump, trend.slope < 0 ? -jump : jump);
  }
  return trend;
}

}  // namespace rankscope::detect
