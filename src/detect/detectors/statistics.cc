#include "detect/detectors/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rankscope::detect {
namespace {

// Makes the MAD of normal noise its standard deviation.
constexpr double kMadToSigma = 0.6745;
constexpr double kLeastDeviation = 1e-3;

}  // namespace

double Median(std::vector<double>* values) {
  if (values->empty()) return std::nan("");
  auto middle = values->begin() + static_cast<std::ptrdiff_t>(values->size() / 2);
  std::nth_element(values->begin(), middle, values->end());
  if (values->size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values->begin(), middle)) / 2;
}

double MedianDeviation(double median, std::vector<double>* values) {
  for (double& value : *values) value = std::fabs(value - median);
  return Median(values);
}

double RobustZ(double value, double median, double deviation) {
  double least = std::max(std::fabs(median) * kLeastDeviation, std::numeric_limits<double>::min());
  return kMadToSigma * (value - median) / std::max(deviation, least);
}

double TheilSenSlope(const std::vector<double>& values) {
  std::vector<double> slopes;
  for (size_t i = 0; i < values.size(); ++i) {
    for (size_t j = i + 1; j < values.size(); ++j) {
      slopes.push_back((values[j] - values[i]) / static_cast<double>(j - i));
    }
  }
  return Median(&slopes);
}

}  // namespace rankscope::detect
