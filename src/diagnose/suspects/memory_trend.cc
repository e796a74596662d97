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

// What one rank held at first and at last of its reports.
struct Span {
  double first = 0, last = 0;
  size_t reports = 0;
};

// Of some of the reports: what the rank itself held, one after the other, and what others did.
struct Course {
  std::vector<double> own;
  std::map<int32_t, Span> others;
};

// `of(point, own)`: whether the report is among them.
template <typename Predicate>
Course CourseOf(const Reading& reading, std::optional<int32_t> rank, const Measure& measure, Predicate of) {
  Course course;
  for (const Point& point : reading.points) {
    const std::optional<double>& value = point.*measure.held;
    const bool own = !rank || !point.rank || point.rank == rank;
    if (!value || !of(point, own)) continue;
    if (own) {
      course.own.push_back(*value);
    } else {
      Span& span = course.others.try_emplace(*point.rank, Span{*value, 0, 0}).first->second;
      span.last = *value;
      ++span.reports;
    }
  }
  return course;
}

std::string FromTo(double first, double last, const Measure& measure) {
  return " from " + Hundredths(first) + " to " + Hundredths(last) + std::string(measure.unit);
}

// The medians of the ranks; empty: there are none.
std::string OthersFromTo(const Course& course, const Measure& measure, const char* went = "") {
  std::vector<double> first, last;
  for (const auto& [rank, span] : course.others) {
    first.push_back(span.first);
    last.push_back(span.last);
  }
  if (first.empty()) return {};
  return base::Counted(course.others.size(), "other rank") + went +
         FromTo(MedianOf(std::move(first)), MedianOf(std::move(last)), measure);
}

std::string OwnFromTo(const Course& course, const Measure& measure) {
  return "memory went" + FromTo(course.own.front(), course.own.back(), measure) + " in " +
         std::to_string(course.own.size()) + " reports";
}

// Who only ended the step that it was in has no course.
std::vector<std::string> Later(Course course, const std::string& when, const Measure& measure) {
  std::erase_if(course.others, [](const auto& other) { return other.second.reports < kFewestReports; });
  std::vector<std::string> told;
  const bool own = course.own.size() >= kFewestReports;
  if (own) told.push_back(when + " " + OwnFromTo(course, measure));
  if (std::string others = OthersFromTo(course, measure, own ? "" : " went"); !others.empty())
    told.push_back((own ? "that of " : when + " the memory of ") + others);
  return told;
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

// Whether another rank ran out, or this one before its last reports.
bool RanOutElse(const Reading& reading, const Suspect& cause) {
  size_t last_report = 0;
  for (const Point& point : reading.points) {
    if (point.line < cause.line) last_report = point.line;
  }
  return std::any_of(reading.sightings.begin(), reading.sightings.end(), [&](const Sighting& sighting) {
    const auto& rank = reading.ranks[sighting.line];
    const bool other = rank && rank != cause.rank, earlier = rank == cause.rank && sighting.line < last_report;
    return sighting.signature->failure == cause.failure && (other || earlier);
  });
}

}  // namespace

void JudgeTrend(const Reading& reading, const Suspect& cause, MemoryTrace* trace) {
  const Measure measure = MeasureOf(reading, cause.rank);
  const Course course = CourseOf(reading, cause.rank, measure, [&](const Point& point, bool own) {
    return own ? point.line < cause.line : !IsKnownToFollow(reading, point.line, cause.line);
  });
  const std::vector<double>& held = course.own;
  if (held.size() < kFewestReports) return;
  size_t rises = 0;
  for (size_t i = 1; i < held.size(); ++i) rises += held[i] > held[i - 1] ? 1 : 0;
  const bool steady = rises * 3 >= (held.size() - 1) * 2;
  const bool leak = IsLeak(held);
  const bool once = !leak && IsLevel(held) && !RanOutElse(reading, cause);
  trace->figures.push_back(OwnFromTo(course, measure) + (once     ? ", level until it ran out once"
                                                         : !leak  ? ""
                                                         : steady ? ", steadily"
                                                                  : ", in steps"));
  if (std::string others = OthersFromTo(course, measure); !others.empty())
    trace->figures.push_back("that of " + others);
  if (trace->kind.empty() && leak) trace->kind = "leak";
  if (!trace->kind.empty() || !once) return;
  trace->kind = kExtremeSample;
  if (trace->would_settle.empty()) {
    trace->would_settle =
        "which sample was extreme: nothing tells the batch in flight (rankscope.log_batch records it)";
  }
}

std::vector<std::string> MemoryAfter(const Reading& reading, const Suspect& cause) {
  const Measure measure = MeasureOf(reading, cause.rank);
  auto follows = [&](const Point& point, bool) { return IsKnownToFollow(reading, point.line, cause.line); };
  return Later(CourseOf(reading, cause.rank, measure, follows), "after it", measure);
}

std::vector<std::string> MemoryOf(const Reading& reading, std::optional<int32_t> rank, const std::string& when) {
  const Measure measure = MeasureOf(reading, rank);
  return Later(CourseOf(reading, rank, measure, [](const Point&, bool) { return true; }), when, measure);
}

}  // namespace rankscope::diagnose
