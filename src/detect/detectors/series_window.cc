#include "detect/detectors/series_window.h"

#include <algorithm>
#include <cmath>

namespace rankscope::detect {

Point Point::Of(double value, std::optional<int64_t> step, base::TimeNs time) {
  bool finite = std::isfinite(value);
  double known = finite ? value : std::nan("");
  return {.step = step,
          .time = time,
          .steps = 1,
          .nonfinite = finite ? 0 : 1,
          .last = value,
          .min = known,
          .max = known,
          .mean = known,
          .disturbed = false,
          .unlike = false};
}

double ValueOf(const Point& point, Side side) {
  switch (side) {
    case Side::kLast:
      return point.last;
    case Side::kLow:
      return point.min;
    case Side::kHigh:
      return point.max;
    case Side::kMean:
      return point.mean;
  }
  return point.last;
}

void SeriesWindow::Clear() {
  points_.clear();
  sums_.clear();
  before_ = {};
  next_ = 0;
  steps_seen_ = 0;
}

void SeriesWindow::Add(const Point& point) {
  bool back = !points_.empty() && point.step && at(0).step && *point.step < *at(0).step;
  if (back) Clear();
  steps_seen_ += point.steps;
  Sums sums = points_.empty() ? Sums() : sums_[Place(0)];
  sums.steps += point.steps;
  if (std::isfinite(point.mean)) {
    sums.means += point.mean;
    ++sums.finite;
  }
  if (points_.size() < capacity_) {
    points_.push_back(point);
    sums_.push_back(sums);
  } else {
    before_ = sums_[next_];
    points_[next_] = point;
    sums_[next_] = sums;
  }
  next_ = next_ + 1 == capacity_ ? 0 : next_ + 1;
}

std::optional<double> SeriesWindow::Mean(size_t skip, size_t count) const {
  Sums to = SumsAt(skip), from = SumsAt(skip + count);
  if (to.finite == from.finite) return std::nullopt;
  return (to.means - from.means) / static_cast<double>(to.finite - from.finite);
}

std::optional<size_t> SeriesWindow::Covering(Span span, size_t skip) const {
  auto covers = [&](size_t count) {
    if (span.ns > 0) return at(skip).time - at(skip + count - 1).time >= span.ns;
    return SumsAt(skip).steps - SumsAt(skip + count).steps >= span.steps;
  };
  size_t most = points_.size() > skip ? points_.size() - skip : 0;
  if (most == 0) return std::nullopt;
  // Records mostly are of as many steps each.
  auto guess = static_cast<size_t>(std::max<int64_t>(1, span.steps / std::max(1, at(skip).steps)));
  if (span.ns == 0 && guess <= most && covers(guess) && (guess == 1 || !covers(guess - 1))) return guess;
  if (!covers(most)) return std::nullopt;
  size_t low = 1, high = most;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (covers(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace rankscope::detect
