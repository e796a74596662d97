#include "diagnose/incidents/cost.h"

#include <algorithm>

namespace rankscope::diagnose {
namespace {

constexpr size_t kBaselineSteps = 200, kFewestSteps = 5;
constexpr double kNsPerHour = 3600.0 * base::kNsPerSecond;

// The first word of each new furthest step.
std::vector<StepTime> Progress(const std::vector<StepTime>& steps, base::TimeNs until) {
  std::vector<StepTime> progress;
  for (const StepTime& step : steps) {
    if (step.time > until) break;
    if (progress.empty() || step.step > progress.back().step) progress.push_back(step);
  }
  return progress;
}

std::optional<double> NsPerStep(const std::vector<StepTime>& progress) {
  if (progress.size() < kFewestSteps) return std::nullopt;
  std::vector<double> paces;
  size_t first = progress.size() > kBaselineSteps ? progress.size() - kBaselineSteps : 0;
  for (size_t i = first + 1; i < progress.size(); ++i) {
    auto steps = static_cast<double>(progress[i].step - progress[i - 1].step);
    paces.push_back(static_cast<double>(progress[i].time - progress[i - 1].time) / steps);
  }
  auto middle = paces.begin() + static_cast<std::ptrdiff_t>(paces.size() / 2);
  std::nth_element(paces.begin(), middle, paces.end());
  return *middle;
}

}  // namespace

std::optional<double> RankHoursLost(const std::vector<StepTime>& steps, base::TimeNs started, base::TimeNs until,
                                    int64_t ranks) {
  std::vector<StepTime> before = Progress(steps, started);
  auto pace = NsPerStep(before);
  if (!pace) return std::nullopt;
  auto made = static_cast<double>(Progress(steps, until).back().step - before.back().step);
  double lost = static_cast<double>(std::max<int64_t>(until - started, 0)) - made * *pace;
  return std::max(lost, 0.0) / kNsPerHour * static_cast<double>(ranks);
}

}  // namespace rankscope::diagnose
