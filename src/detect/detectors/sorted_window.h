#pragma once

#include <cstddef>
#include <vector>

namespace rankscope::detect {

// The latest values of a series, kept in order: median and MAD cost no sorting. Bounded; NaN must not be added.
class SortedWindow {
 public:
  explicit SortedWindow(size_t capacity) : capacity_(capacity) {}

  void Add(double value);
  void Clear();
  size_t size() const { return sorted_.size(); }
  bool full() const { return size() == capacity_; }
  // REQUIRES size() > 0.
  double Median() const;
  double MedianDeviation() const;

 private:
  const size_t capacity_;
  std::vector<double> sorted_, ring_;
  size_t next_ = 0;
};

}  // namespace rankscope::detect
