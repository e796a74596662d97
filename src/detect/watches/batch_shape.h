#pragma once

#include "detect/detectors/series_window.h"
#include "detect/detectors/sorted_window.h"

namespace rankscope::detect {

// Watches how large the batches of a rank are (tokens, or the length of sequences): when they become larger or smaller
// for good (a curriculum, a ramp of the batch size), speeds and times before and after cannot be compared.
class BatchShape {
 public:
  // Whether with this point the shape has changed.
  bool Take(const Point& point);

 private:
  double Excess(double value) const;

  SortedWindow usual_{32};
  int64_t away_steps_ = 0;  // in a row, to one side
  double evidence_ = 0;     // of these: how far, in MADs
};

}  // namespace rankscope::detect
