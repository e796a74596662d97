#include "detect/series_window.h"

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
          .disturbed = false};
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

void SeriesWindow::Add(const Point& point) {
  bool back = !points_.empty() && point.step && at(0).step && *point.step < *at(0).step;
  if (back) {
    points_.clear();
    next_ = 0;
    steps_seen_ = 0;
  }
  steps_seen_ += point.steps;
  if (points_.size() < capacity_) {
    points_.push_back(point);
  } else {
    points_[next_] = point;
  }
  next_ = (next_ + 1) % capacity_;
}

const Point& SeriesWindow::at(size_t back) const {
  size_t size = points_.size();
  size_t newest = (next_ + capacity_ - 1) % capacity_;
  return points_[(newest + (size == capacity_ ? capacity_ : 0) - back) % capacity_];
}

std::optional<size_t> SeriesWindow::Covering(Span span, size_t skip) const {
  int64_t steps = 0;
  for (size_t back = skip; back < points_.size(); ++back) {
    steps += at(back).steps;
    bool covered = span.ns > 0 ? at(skip).time - at(back).time >= span.ns : steps >= span.steps;
    if (covered) return back - skip + 1;
  }
  return std::nullopt;
}

}  // namespace rankscope::detect
