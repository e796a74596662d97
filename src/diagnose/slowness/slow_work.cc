#include "diagnose/slowness/slow_work.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "diagnose/slowness/pipeline_stages.h"
#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kFewestSteps = 5;
constexpr double kHoldsBack = 1.5, kSeveralTimes = 3, kAboveEach = 1.2;
constexpr double kOfMostSteps = 0.75;
constexpr double kChanged = 1.25;  // times as far from the others as early on
constexpr int kScore = 72;

// Whether the ranks that are compared are to have the same to do.
enum class Work : uint8_t { kSame, kUnknown, kOther };

using Reports = std::vector<const Point*>;  // of one step

// Who made the others wait in a step.
struct Late {
  const Point* at;
  double others_s;  // median
  double times() const { return *at->compute_time_s / others_s; }
  int32_t rank() const { return at->rank.value_or(-1); }
};
using Lates = std::vector<std::optional<Late>>;  // by step

bool IsFinite(const std::optional<double>& value) { return value && std::isfinite(*value); }

// Those that tell what a rank did by itself.
Reports ReportsOf(const Reading& reading) {
  Reports reports;
  for (const Point& point : reading.points) {
    if (!point.evaluation && IsFinite(point.compute_time_s) && (point.step || point.rank)) reports.push_back(&point);
  }
  return reports;
}

// Reports without a step are those of the rank's first, second, … step. Of several of a rank's in one the last counts:
// a bar is drawn with the next count before it has the figures of that step.
std::map<int64_t, Reports> ByStep(const Reports& reports) {
  std::map<int64_t, Reports> steps;
  std::map<int32_t, int64_t> count;
  std::map<std::pair<int64_t, int32_t>, size_t> places;  // of a step and rank, in the step's reports
  for (const Point* point : reports) {
    const int64_t step = point->step ? *point->step : count[*point->rank]++;
    Reports& of_step = steps[step];
    size_t place = of_step.size();
    if (point->rank) place = places.try_emplace({step, *point->rank}, place).first->second;
    if (place == of_step.size()) {
      of_step.push_back(point);
    } else {
      of_step[place] = point;
    }
  }
  return steps;
}

// Whose work is most of the step, and far more than the others'.
std::optional<Late> LatestOf(const Reports& reports) {
  if (reports.size() < 2) return std::nullopt;
  auto latest = std::max_element(reports.begin(), reports.end(),
                                 [](auto* a, auto* b) { return *a->compute_time_s < *b->compute_time_s; });
  std::vector<double> others;
  for (const Point* report : reports) {
    if (report != *latest) others.push_back(*report->compute_time_s);
  }
  const double own = *(*latest)->compute_time_s, median = MedianOf(others);
  const double least = (*latest)->rank ? kHoldsBack : kSeveralTimes;
  bool late = own >= least * median && own > kAboveEach * *std::max_element(others.begin(), others.end());
  bool most = !IsFinite((*latest)->step_time_s) || 2 * own >= *(*latest)->step_time_s;
  return late && most ? std::optional(Late{*latest, median}) : std::nullopt;
}

// The first report of the rank that was late in most of the steps; null: it was not one and the same.
const Late* LateInMost(const Lates& steps, size_t begin, size_t end) {
  std::map<int32_t, size_t> count;
  std::map<int32_t, const Late*> first;
  for (size_t i = begin; i < end; ++i) {
    if (!steps[i]) continue;
    ++count[steps[i]->rank()];
    first.try_emplace(steps[i]->rank(), &*steps[i]);
  }
  for (const auto& [rank, times] : count) {
    if (static_cast<double>(times) >= kOfMostSteps * static_cast<double>(end - begin)) return first[rank];
  }
  return nullptr;
}

double UsualTimes(const Lates& steps, size_t begin, size_t end, int32_t rank) {
  std::vector<double> times;
  for (size_t i = begin; i < end; ++i) {
    if (steps[i] && steps[i]->rank() == rank) times.push_back(steps[i]->times());
  }
  return MedianOf(std::move(times));
}

// Late from the first steps on, and always by as much.
bool IsUnchanged(const Lates& steps, int32_t rank) {
  const size_t quarter = std::max<size_t>(1, steps.size() / 4);
  const Late* early = LateInMost(steps, 0, quarter);
  return early && early->rank() == rank &&
         UsualTimes(steps, steps.size() - quarter, steps.size(), rank) <=
             kChanged * UsualTimes(steps, 0, quarter, rank);
}

// Each of the others usually does about what the rest of them do.
bool AreOthersAlike(const Reports& reports, int32_t rank) {
  std::map<int32_t, std::vector<double>> works;
  for (const Point* report : reports) {
    if (report->rank && *report->rank != rank) works[*report->rank].push_back(*report->compute_time_s);
  }
  if (works.empty()) return false;
  std::vector<double> usual;
  usual.reserve(works.size());
  for (auto& [other, seconds] : works) usual.push_back(MedianOf(std::move(seconds)));
  const auto [least, most] = std::minmax_element(usual.begin(), usual.end());
  return *most <= kAboveEach * *least;
}

bool MayBeMeant(const Reports& reports, const Lates& steps, const Late& late, Work work) {
  if (work == Work::kSame || !IsUnchanged(steps, late.rank())) return false;
  if (work == Work::kOther) return true;
  return late.times() < kSeveralTimes && !AreOthersAlike(reports, late.rank());
}

Suspect SuspectOf(const Late& late) {
  const Point& at = *late.at;
  std::string why = "its own work takes " + Figure(*at.compute_time_s) + " s of a step, that of the others " +
                    Figure(late.others_s) + " s";
  return {at.line, "straggler", "metrics", Role::kCause, kScore, at.rank, Traceback::kNone, std::move(why)};
}

std::optional<Suspect> FindAmong(const Reports& reports, Work work) {
  Lates steps;
  for (const auto& [step, of_step] : ByStep(reports)) steps.push_back(LatestOf(of_step));
  for (size_t begin : {size_t{0}, steps.size() / 2, steps.size() - steps.size() / 4}) {
    if (steps.size() - begin < kFewestSteps) break;
    const Late* late = LateInMost(steps, begin, steps.size());
    if (late && !MayBeMeant(reports, steps, *late, work)) return SuspectOf(*late);
  }
  return std::nullopt;
}

// By stage, of which the ranks' numbers count outermost. Empty: there are not several ranks to each.
std::map<int64_t, Reports> ByStage(const Reports& reports, int64_t stages) {
  int64_t world = 0;
  for (const Point* report : reports) world = std::max<int64_t>(world, report->rank.value_or(-1) + 1);
  std::map<int64_t, Reports> of_stage;
  if (stages == 1 || world % stages != 0 || world < 2 * stages) return of_stage;
  for (const Point* report : reports) {
    if (report->rank) of_stage[*report->rank / (world / stages)].push_back(report);
  }
  return of_stage;
}

}  // namespace

std::optional<Suspect> FindSlowWork(const Reading& reading) {
  const Reports reports = ReportsOf(reading);
  if (reports.empty()) return std::nullopt;
  const int64_t stages = CountPipelineStages(reading);
  for (const auto& [stage, own] : ByStage(reports, stages)) {
    if (auto slow = FindAmong(own, Work::kSame)) return slow;
  }
  return FindAmong(reports, stages > 1 ? Work::kOther : Work::kUnknown);
}

}  // namespace rankscope::diagnose
