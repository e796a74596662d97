#include "detect/detectors/sorted_window.h"

#include <algorithm>

namespace rankscope::detect {

void SortedWindow::Add(double value) {
  if (full()) {
    sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), ring_[next_]));
    ring_[next_] = value;
  } else {
    ring_.push_back(value);
  }
  next_ = (next_ + 1) % capacity_;
  sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), value), value);
}

void SortedWindow::Clear() {
  sorted_.clear();
  ring_.clear();
  next_ = 0;
}

double SortedWindow::Median() const {
  size_t middle = sorted_.size() / 2;
  return sorted_.size() % 2 == 1 ? sorted_[middle] : (sorted_[middle - 1] + sorted_[middle]) / 2;
}

// The deviations grow outwards from the median on both sides: merge the sides until the middle one is reached.
double SortedWindow::MedianDeviation() const {
  double median = Median();
  auto above = std::upper_bound(sorted_.begin(), sorted_.end(), median);
  auto below = above;
  double before = 0, deviation = 0;
  for (size_t taken = 0; taken <= sorted_.size() / 2; ++taken) {
    before = deviation;
    bool down = below != sorted_.begin() && (above == sorted_.end() || median - *(below - 1) <= *above - median);
    deviation = down ? median - *--below : *above++ - median;
  }
  return sorted_.size() % 2 == 1 ? deviation : (before + deviation) / 2;
}

}  // namespace rankscope::detect
