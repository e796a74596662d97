#include "diagnose/slowness/slow_work.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace rankscope::diagnose {
namespace {

constexpr size_t kFewestSteps = 5;
constexpr double kHoldsBack = 1.5, kHoldsBackUnnamed = 3, kAboveEach = 1.2;
constexpr double kOfMostSteps = 0.75;
constexpr int kScore = 72;

using Reports = std::vector<const Point*>;  // of one step

struct Late {
  const Point* at;
  double others_s;  // median
};

bool IsFinite(const std::optional<double>& value) { return value && std::isfinite(*value); }

// Reports without a step are those of the rank's first, second, … step.
std::map<int64_t, Reports> ByStep(const Reading& reading) {
  std::map<int64_t, Reports> steps;
  std::map<int32_t, int64_t> count;
  for (const Point& point : reading.points) {
    if (point.evaluation || !IsFinite(point.compute_time_s)) continue;
    if (!point.step && !point.rank) continue;
    steps[point.step ? *point.step : count[*point.rank]++].push_back(&point);
  }
  return steps;
}

double Middle(std::vector<double> values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Who made the others wait in a step: its work is most of the step, and far more than theirs.
std::optional<Late> LatestOf(const Reports& reports) {
  if (reports.size() < 2) return std::nullopt;
  auto latest = std::max_element(reports.begin(), reports.end(),
                                 [](auto* a, auto* b) { return *a->compute_time_s < *b->compute_time_s; });
  std::vector<double> others;
  for (const Point* report : reports) {
    if (report != *latest) others.push_back(*report->compute_time_s);
  }
  const double own = *(*latest)->compute_time_s, median = Middle(others);
  const double least = (*latest)->rank ? kHoldsBack : kHoldsBackUnnamed;
  bool late = own >= least * median && own > kAboveEach * *std::max_element(others.begin(), others.end());
  bool most = !IsFinite((*latest)->step_time_s) || 2 * own >= *(*latest)->step_time_s;
  return late && most ? std::optional(Late{*latest, median}) : std::nullopt;
}

// The first report of the rank that was late in most of the steps; null: it was not one and the same.
const Late* LateInMost(const std::vector<std::optional<Late>>& steps, size_t begin) {
  std::map<int32_t, size_t> count;
  std::map<int32_t, const Late*> first;
  for (size_t i = begin; i < steps.size(); ++i) {
    if (!steps[i]) continue;
    const int32_t rank = steps[i]->at->rank.value_or(-1);
    ++count[rank];
    first.try_emplace(rank, &*steps[i]);
  }
  for (const auto& [rank, times] : count) {
    if (static_cast<double>(times) >= kOfMostSteps * static_cast<double>(steps.size() - begin)) return first[rank];
  }
  return nullptr;
}

Suspect SuspectOf(const Late& late) {
  const Point& at = *late.at;
  char why[128];
  std::snprintf(why, sizeof why, "its own work takes %.4g s of a step, that of the others %.4g s", *at.compute_time_s,
                late.others_s);
  return {at.line, "straggler", "metrics", Role::kCause, kScore, at.rank, Traceback::kNone, why};
}

}  // namespace

std::optional<Suspect> FindSlowWork(const Reading& reading) {
  std::vector<std::optional<Late>> steps;
  for (const auto& [step, reports] : ByStep(reading)) steps.push_back(LatestOf(reports));
  for (size_t begin : {size_t{0}, steps.size() / 2, steps.size() - steps.size() / 4}) {
    if (steps.size() - begin < kFewestSteps) break;
    if (const Late* late = LateInMost(steps, begin)) return SuspectOf(*late);
  }
  return std::nullopt;
}

}  // namespace rankscope::diagnose
