#pragma once

#include <vector>

namespace rankscope::detect {

// All of finite values; NaN where there are none. Each may reorder *values.
double Median(std::vector<double>* values);
// Median absolute deviation from `median`; *values become the deviations.
double MedianDeviation(double median, std::vector<double>* values);
// 0.6745 * (value - median) / deviation, where the deviation is at least a thousandth of |median|: a series without
// noise must not make a rounding error an outlier.
double RobustZ(double value, double median, double deviation);
// Median of the slopes between all pairs of (i, values[i]).
double TheilSenSlope(const std::vector<double>& values);

}  // namespace rankscope::detect
