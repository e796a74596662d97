#include "diagnose/knowledge/progress_meter.h"

#include <algorithm>

#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

constexpr double kPause = 10;  // usual steps

}  // namespace

void ProgressMeter::Add(base::TimeNs time, int64_t step) {
  if (last_time_ && (!reached_ || step > *reached_)) {
    double seconds = static_cast<double>(std::max<int64_t>(0, time - *last_time_)) / base::kNsPerSecond;
    advances_.push_back({step, reached_ ? step - *reached_ : 1, seconds});
  }
  last_time_ = time;
  reached_ = std::max(reached_.value_or(step), step);
}

double ProgressMeter::ProductiveSeconds(std::optional<int64_t> kept) const {
  if (advances_.empty()) return 0;
  std::vector<double> usual;
  usual.reserve(advances_.size());
  for (const Advance& advance : advances_) usual.push_back(advance.seconds / static_cast<double>(advance.steps));
  const double median = MedianOf(std::move(usual));
  double productive = median;  // the first step's, which no report before it measures
  for (const Advance& advance : advances_) {
    if (kept && advance.step > *kept) break;
    double expected = median * static_cast<double>(advance.steps);
    productive += advance.seconds > kPause * expected ? expected : advance.seconds;
  }
  return productive;
}

}  // namespace rankscope::diagnose
