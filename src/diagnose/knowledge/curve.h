#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace rankscope::diagnose {

// A metric over the step in at most 128 points, whatever came in: each is the mean of as many reports as every other.
// Values that are not finite are left out. Plain data.
class Curve {
 public:
  struct Point {
    int64_t step = 0;  // the first one's
    double value = 0;
    bool operator==(const Point&) const = default;
  };
  static constexpr size_t kMostPoints = 128;

  Curve() = default;
  explicit Curve(std::vector<Point> points) : points_(std::move(points)) {}

  void Add(int64_t step, double value);
  const std::vector<Point>& points() const { return points_; }
  // Of the points with from <= step < to; none: there are none.
  std::optional<double> Median(int64_t from = INT64_MIN, int64_t to = INT64_MAX) const;
  // Of the last quarter of its points.
  std::optional<double> LateMedian() const;
  // Of the second quarter: what was usual before anything went wrong, after the warm-up.
  std::optional<double> EarlyMedian() const;

  bool operator==(const Curve&) const = default;

 private:
  std::vector<Point> points_;  // the last one may still grow
  uint64_t per_point_ = 1, in_last_ = 0;
};

}  // namespace rankscope::diagnose
