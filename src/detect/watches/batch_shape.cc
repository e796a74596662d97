#include "detect/watches/batch_shape.h"

#include <algorithm>
#include <cmath>

namespace rankscope::detect {
namespace {

constexpr size_t kFewest = 4;
constexpr int64_t kConfirm = 3;    // steps: rules of speed wait for as many at least
constexpr double kMargin = 0.15;   // of the usual
constexpr double kDeviations = 3;  // MADs that are nothing
// So far beyond these in all, of which no step counts for more than a third: where batches are of all lengths, three
// in a row are away once in a thousand steps, but not so far.
constexpr double kEvidence = 12, kMost = kEvidence / 3;

}  // namespace

bool BatchShape::Take(const Point& point) {
  if (!std::isfinite(point.mean)) return false;
  double excess = usual_.size() < kFewest ? 0 : Excess(point.mean);
  bool same_side = excess * evidence_ >= 0;
  if (excess == 0 || !same_side) {
    away_steps_ = 0;
    evidence_ = 0;
  }
  if (excess == 0) {
    usual_.Add(point.mean);
    return false;
  }
  away_steps_ += point.steps;
  evidence_ += std::clamp(excess, -kMost, kMost) * static_cast<double>(std::min<int64_t>(point.steps, kConfirm));
  if (away_steps_ < kConfirm || std::fabs(evidence_) < kEvidence) return false;
  usual_.Clear();
  away_steps_ = 0;
  evidence_ = 0;
  return true;
}

// By how many MADs more than usual it is away; 0: it is not.
double BatchShape::Excess(double value) const {
  double median = usual_.Median(), distance = value - median;
  if (std::fabs(distance) <= kMargin * std::fabs(median)) return 0;
  double deviations = std::fabs(distance) / std::max(usual_.MedianDeviation(), 1e-9 * std::fabs(median));
  return deviations > kDeviations ? std::copysign(deviations - kDeviations, distance) : 0;
}

}  // namespace rankscope::detect
