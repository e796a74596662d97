#include "diagnose/knowledge/curve.h"

#include <cmath>

#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

std::optional<double> MedianOfAny(std::vector<double> values) {
  return values.empty() ? std::nullopt : std::optional(MedianOf(std::move(values)));
}

std::optional<double> MedianIn(const std::vector<Curve::Point>& points, size_t begin, size_t end) {
  std::vector<double> values;
  for (size_t i = begin; i < end; ++i) values.push_back(points[i].value);
  return MedianOfAny(std::move(values));
}

}  // namespace

void Curve::Add(int64_t step, double value) {
  if (!std::isfinite(value)) return;
  if (!points_.empty() && in_last_ > 0 && in_last_ < per_point_) {
    ++in_last_;
    points_.back().value += (value - points_.back().value) / static_cast<double>(in_last_);
    return;
  }
  if (points_.size() == kMostPoints) {
    for (size_t i = 0; i < kMostPoints / 2; ++i) {
      points_[i] = {points_[2 * i].step, (points_[2 * i].value + points_[2 * i + 1].value) / 2};
    }
    points_.resize(kMostPoints / 2);
    per_point_ *= 2;
  }
  points_.push_back({step, value});
  in_last_ = 1;
}

std::optional<double> Curve::Median(int64_t from, int64_t to) const {
  std::vector<double> values;
  for (const Point& point : points_) {
    if (from <= point.step && point.step < to) values.push_back(point.value);
  }
  return MedianOfAny(std::move(values));
}

std::optional<double> Curve::LateMedian() const {
  return MedianIn(points_, points_.size() - (points_.size() + 3) / 4, points_.size());
}

std::optional<double> Curve::EarlyMedian() const {
  if (points_.size() < 4) return MedianIn(points_, 0, points_.size());
  return MedianIn(points_, points_.size() / 4, points_.size() / 2);
}

}  // namespace rankscope::diagnose
