#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace rankscope::detect {

// How far a window reaches or a condition has to last: in steps, or (where asked) in time. Neither: at once.
struct Span {
  int64_t steps = 0;
  int64_t ns = 0;

  bool empty() const { return steps == 0 && ns == 0; }
  bool operator==(const Span&) const = default;
};

// What one record says of one metric: a value, or what the values of `steps` steps up to `step` were.
struct Point {
  std::optional<int64_t> step;
  base::TimeNs time = 0;
  int32_t steps = 1;
  int32_t nonfinite = 0;    // how many of them were NaN or infinite
  double last = 0;          // may be NaN or infinite
  double min = 0, max = 0;  // of the finite ones; NaN: there was none
  double mean = 0;          // likewise
  bool disturbed = false;   // an evaluation, a checkpoint or a hold lies between it and the point before
  bool unlike = false;      // of a throughput: its batch, or another rank's, was no usual one

  // A single value.
  static Point Of(double value, std::optional<int64_t> step, base::TimeNs time);
};

// Which of the numbers of a point stands for its value.
enum class Side : uint8_t { kLast, kLow, kHigh, kMean };
double ValueOf(const Point& point, Side side);

// The latest points of one metric of one rank, bounded. A step that goes back (a restart from a checkpoint) forgets
// what came before.
class SeriesWindow {
 public:
  // The most points that a window can hold: 4096 steps at an interval of one.
  static constexpr size_t kMostPoints = 4096;

  // REQUIRES 1 <= capacity <= kMostPoints.
  explicit SeriesWindow(size_t capacity) : capacity_(capacity) {}

  void Add(const Point& point);
  // As if no point had come yet.
  void Clear();
  size_t size() const { return points_.size(); }
  // 0 is the newest. REQUIRES back < size().
  const Point& at(size_t back) const { return points_[Place(back)]; }
  // Mean of the means of `count` points, from the one `skip` back on; nothing: none of them is finite. O(1).
  std::optional<double> Mean(size_t skip, size_t count) const;
  // How many points, from the one `skip` back on to older ones, it takes to cover the span; nothing: they do not yet.
  std::optional<size_t> Covering(Span span, size_t skip) const;
  // Steps seen since the beginning or the last restart.
  int64_t steps_seen() const { return steps_seen_; }
  size_t bytes() const { return points_.capacity() * (sizeof(Point) + sizeof(Sums)); }

 private:
  // Of all points from the first one on up to this one.
  struct Sums {
    double means = 0;
    int64_t finite = 0, steps = 0;
  };
  size_t Place(size_t back) const { return back < next_ ? next_ - 1 - back : next_ + capacity_ - 1 - back; }
  const Sums& SumsAt(size_t back) const { return back < points_.size() ? sums_[Place(back)] : before_; }

  const size_t capacity_;
  std::vector<Point> points_;  // a ring once it is full
  std::vector<Sums> sums_;     // likewise
  Sums before_;                // of what has left the ring
  size_t next_ = 0;            // where the next one goes
  int64_t steps_seen_ = 0;
};

}  // namespace rankscope::detect
