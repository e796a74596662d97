#pragma once

#include <vector>

namespace rankscope::detect {

// How a series of blocks goes on the whole.
struct Trend {
  double slope = 0;         // a block, by Theil-Sen
  double rise = 0;          // over all of them
  double largest_jump = 0;  // of one block to the next, in the direction of the rise
  double agreement = 0;     // Kendall's tau: 1, each value is above the one before; -1, below
};
// REQUIRES at least two values.
Trend TrendOf(const std::vector<double>& values);

}  // namespace rankscope::detect
