#include "diagnose/suspects/memory_trend.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/counted.h"
#include "diagnose/suspects/printed_batch.h"
#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kFewestReports = 4;
constexpr double kGrows = 1.15;

// How much a report says that is held: in GiB where the rank tells that anywhere, else in percent.
struct Measure {
  std::optional<double> Point::*held;
  std::string_view unit;
};

Measure MeasureOf(const Reading& reading, std::optional<int32_t> rank) {
  bool in_gib = std::any_of(reading.points.begin(), reading.points.end(), [&](const Point& point) {
    return point.gpu_memory_gib && (!rank || !point.rank || point.rank == rank);
  });
  return in_gib ? Measure{&Point::gpu_memory_gib, " GiB"} : Measure{&Point::gpu_memory_usage, " %"};
}

// What others than the rank held at first and at last: the medians of the ranks.
void TellPeers(const Reading& reading, const Suspect& cause, const Measure& measure, MemoryTrace* trace) {
  std::map<int32_t, std::pair<double, double>> held;
  for (const Point& point : reading.points) {
    const std::optional<double>& value = point.*measure.held;
    const bool of_peer = cause.rank && point.rank && point.rank != cause.rank;
    if (!of_peer || !value || IsKnownToFollow(reading, point.line, cause.line)) continue;
    held.try_emplace(*point.rank, *value, 0).first->second.second = *value;
  }
  if (held.empty()) return;
  std::vector<double> first, last;
  for (const auto& [rank, values] : held) {
    first.push_back(values.first);
    last.push_back(values.second);
  }
  trace->figures.push_back("that of " + base::Counted(held.size(), "other rank") + " from " +
                           Hundredths(MedianOf(std::move(first))) + " to " + Hundredths(MedianOf(std::move(last))) +
                           std::string(measure.unit));
}

// Never back below where it once was, in the second half above the first quarter: in steps, or steadily.
bool IsLeak(const std::vector<double>& held) {
  const auto quarter = static_cast<std::ptrdiff_t>(held.size() / 4),
             half = static_cast<std::ptrdiff_t>(held.size() / 2);
  const double early = *std::max_element(held.begin(), held.begin() + quarter + 1);
  const double late = *std::min_element(held.begin() + half, held.end());
  return late > early && held.back() > kGrows * held.front();
}

// As much all along: nothing grew until then.
bool IsLevel(const std::vector<double>& held) {
  constexpr size_t kFewest = 16;
  constexpr double kScatter = 1.05;
  const auto [least, most] = std::minmax_element(held.begin(), held.end());
  return held.size() >= kFewest && *most <= kScatter * *least;
}

bool OthersRanOut(const Reading& reading, const Suspect& cause) {
  return std::any_of(reading.sightings.begin(), reading.sightings.end(), [&](const Sighting& sighting) {
    const auto& rank = reading.ranks[sighting.line];
    return sighting.signature->failure == cause.failure && rank && rank != cause.rank;
  });
}

}  // namespace

void JudgeTrend(const Reading& reading, const Suspect& cause, MemoryTrace* trace) {
  std::vector<double> held;
  const Measure measure = MeasureOf(reading, cause.rank);
  for (const Point& point : reading.points) {
    const std::optional<double>& value = point.*measure.held;
    const bool own = !cause.rank || !point.rank || point.rank == cause.rank;
    if (own && value && point.line < cause.line) held.push_back(*value);
  }
  if (held.size() < kFewestReports) return;
  size_t rises = 0;
  for (size_t i = 1; i < held.size(); ++i) rises += held[i] > held[i - 1] ? 1 : 0;
  const bool steady = rises * 3 >= (held.size() - 1) * 2;
  const bool leak = IsLeak(held);
  const bool once = !leak && IsLevel(held) && !OthersRanOut(reading, cause);
  trace->figures.push_back("memory went from " + Hundredths(held.front()) + " to " + Hundredths(held.back()) +
                           std::string(measure.unit) + " in " + std::to_string(held.size()) + " reports" +
                           (once     ? ", level until it ran out once"
                            : !leak  ? ""
                            : steady ? ", steadily"
                                     : ", in steps"));
  TellPeers(reading, cause, measure, trace);
  if (trace->kind.empty() && leak) trace->kind = "leak";
  if (!trace->kind.empty() || !once) return;
  trace->kind = kExtremeSample;
  if (trace->would_settle.empty()) {
    trace->would_settle =
        "which sample was extreme: nothing tells the batch in flight (rankscope.log_batch records it)";
  }
}

}  // namespace rankscope::diagnose
