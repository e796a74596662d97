#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "detect/detectors/series_window.h"
#include "detect/detectors/statistics.h"

namespace rankscope::detect {

// Cuts a series into blocks of at least so many steps, whatever the interval of its points.
class BlockCutter {
 public:
  struct Block {
    int64_t steps = 0;
    double median = 0, floor = 0, ceiling = 0;
  };

  explicit BlockCutter(int64_t steps) : wanted_(steps) {}

  // The block that the point completes.
  std::optional<Block> Take(const Point& point) {
    if (std::isfinite(point.mean)) means_.push_back(point.mean);
    if (std::isfinite(point.min)) floor_ = std::min(floor_, point.min);
    if (std::isfinite(point.max)) ceiling_ = std::max(ceiling_, point.max);
    steps_ += point.steps;
    if (steps_ < wanted_ || means_.empty()) return std::nullopt;
    Block block{steps_, Median(&means_), floor_, ceiling_};
    means_.clear();
    floor_ = kNone;
    ceiling_ = -kNone;
    steps_ = 0;
    return block;
  }

 private:
  static constexpr double kNone = std::numeric_limits<double>::infinity();
  const int64_t wanted_;
  std::vector<double> means_;
  double floor_ = kNone, ceiling_ = -kNone;
  int64_t steps_ = 0;
};

}  // namespace rankscope::detect
