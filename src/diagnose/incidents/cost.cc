#include "diagnose/incidents/cost.h"

#include <algorithm>
#include <tuple>

#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kBaselineSteps = 200, kFewestSteps = 5;
constexpr double kNsPerHour = 3600.0 * base::kNsPerSecond;

// The first word of each new furthest step.
std::vector<StepTime> Progress(std::vector<StepTime> steps) {
  std::sort(steps.begin(), steps.end(),
            [](const auto& a, const auto& b) { return std::tie(a.time, a.step) < std::tie(b.time, b.step); });
  std::vector<StepTime> progress;
  for (const StepTime& step : steps) {
    if (progress.empty() || step.step > progress.back().step) progress.push_back(step);
  }
  return progress;
}

}  // namespace

std::optional<Pace> PaceOf(std::vector<StepTime> steps) {
  std::vector<StepTime> progress = Progress(std::move(steps));
  if (progress.size() < kFewestSteps) return std::nullopt;
  std::vector<double> paces;
  size_t first = progress.size() > kBaselineSteps ? progress.size() - kBaselineSteps : 0;
  for (size_t i = first + 1; i < progress.size(); ++i) {
    auto made = static_cast<double>(progress[i].step - progress[i - 1].step);
    paces.push_back(static_cast<double>(progress[i].time - progress[i - 1].time) / made);
  }
  return Pace{progress.back().step, MedianOf(std::move(paces))};
}

double RankHoursLost(const Pace& before, int64_t furthest, base::TimeNs started, base::TimeNs until, int64_t ranks) {
  auto made = static_cast<double>(std::max<int64_t>(furthest - before.furthest, 0));
  double lost = static_cast<double>(std::max<int64_t>(until - started, 0)) - made * before.ns_per_step;
  return std::max(lost, 0.0) / kNsPerHour * static_cast<double>(ranks);
}

}  // namespace rankscope::diagnose
