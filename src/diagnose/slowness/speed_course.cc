#include "diagnose/slowness/speed_course.h"

#include <algorithm>
#include <cmath>

#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kFewestReports = 16;
// Less than this share of what was usual is slower, however steady the reports are; noise raises it.
constexpr double kLeastDrop = 0.06;
constexpr double kNoises = 4;
// A stretch of slower reports: a share of the run, and no accident.
constexpr size_t kStretchesARun = 16;
constexpr size_t kShortestStretch = 4;
constexpr double kMostOfStretch = 0.8;
constexpr double kRecovered = 0.85;

std::optional<double> SpeedOf(const Point& point) {
  if (point.throughput) return point.throughput;
  if (point.step_time_s && *point.step_time_s > 0) return 1 / *point.step_time_s;
  return std::nullopt;
}

// The median of each report and its neighbours: one slow step is a checkpoint, not a slowdown.
std::vector<double> Smoothed(const std::vector<double>& values) {
  std::vector<double> smooth = values;
  for (size_t i = 1; i + 1 < values.size(); ++i) {
    double low = std::min(values[i - 1], values[i + 1]), high = std::max(values[i - 1], values[i + 1]);
    smooth[i] = std::clamp(values[i], low, high);
  }
  return smooth;
}

double MedianIn(const std::vector<double>& values, size_t begin, size_t end) {
  return MedianOf(
      {values.begin() + static_cast<std::ptrdiff_t>(begin), values.begin() + static_cast<std::ptrdiff_t>(end)});
}

size_t StretchOf(const SpeedCourse& course) {
  return std::max(kShortestStretch, course.speeds.size() / kStretchesARun);
}

// How much less than usual is less: beyond what the reports scatter early on.
double SlowBelow(const SpeedCourse& course, size_t early) {
  std::vector<double> distances;
  for (size_t i = 0; i < early; ++i) distances.push_back(std::abs(course.speeds[i] / course.before - 1));
  constexpr double kSigmaOfMedian = 1.4826;
  double noise = kSigmaOfMedian * MedianOf(distances);
  return course.before * (1 - std::max(kLeastDrop, kNoises * noise));
}

std::optional<size_t> FindOnset(const SpeedCourse& course, double below) {
  const size_t stretch = StretchOf(course);
  for (size_t i = 1; i + stretch <= course.speeds.size(); ++i) {
    if (course.speeds[i] >= below) continue;
    size_t slow = 0;
    for (size_t j = i; j < i + stretch; ++j) slow += course.speeds[j] < below ? 1 : 0;
    if (static_cast<double>(slow) >= kMostOfStretch * static_cast<double>(stretch)) return i;
  }
  return std::nullopt;
}

// By when the rank had slowed as far as it would.
size_t NearWorst(const SpeedCourse& course) {
  constexpr double kNear = 0.9;
  const double near = course.before - kNear * (course.before - course.worst);
  size_t at = *course.onset;
  while (at + 1 < course.speeds.size() && course.speeds[at] > near) ++at;
  return at;
}

// A slow fall crosses any threshold late, and noise makes it early or later. A level line that breaks into a falling
// one is laid through the reports up to the worst; where it breaks by least squares the fall began.
void RefineOnset(SpeedCourse* course) {
  const size_t end = NearWorst(*course);
  double missing = 0, moment = 0, squares = 0;  // sums over the reports after the break: what is missing, by distance
  double best = 0;
  size_t count = 0;
  for (size_t at = end; at > 0; --at) {
    // The break moves to report at - 1: each report after it is one further away.
    double here = course->before - course->speeds[at];
    squares += static_cast<double>(count * (count + 1) + count);
    ++count;
    squares += 1;
    missing += here;
    moment += missing;
    // What the falling line explains more than a level one.
    double gain = moment > 0 ? moment * moment / squares : 0;
    if (gain <= best) continue;
    best = gain;
    course->onset = at;
  }
}

void FindWorst(SpeedCourse* course) {
  const size_t stretch = StretchOf(*course);
  course->worst = course->before;
  for (size_t i = 0; i + stretch <= course->speeds.size(); ++i) {
    double here = MedianIn(course->speeds, i, i + stretch);
    if (here >= course->worst) continue;
    course->worst = here;
    course->worst_at = i;
  }
}

void FindRecovery(SpeedCourse* course) {
  const size_t count = course->speeds.size();
  course->after = MedianIn(course->speeds, count - StretchOf(*course), count);
  size_t from = count;
  while (from > course->worst_at && course->speeds[from - 1] >= kRecovered * course->before) --from;
  if (count - from >= kShortestStretch) course->recovers_at = from;
}

void Judge(SpeedCourse* course) {
  const size_t early = std::max(kShortestStretch, course->speeds.size() / 4);
  course->before = MedianIn(course->speeds, 1, early);
  course->onset = FindOnset(*course, SlowBelow(*course, early));
  FindWorst(course);
  if (course->onset) RefineOnset(course);
  // A stretch that is slow by its median may begin before.
  if (course->onset) course->worst_at = std::max(course->worst_at, *course->onset);
  FindRecovery(course);
}

}  // namespace

std::map<int32_t, SpeedCourse> FindSpeedCourses(const Reading& reading) {
  std::map<int32_t, SpeedCourse> courses;
  for (const Point& point : reading.points) {
    if (!point.rank || point.evaluation || !SpeedOf(point)) continue;
    courses[*point.rank].points.push_back(&point);
  }
  for (auto& [rank, course] : courses) {
    bool any = std::any_of(course.points.begin(), course.points.end(), [](const Point* p) { return p->throughput; });
    if (any) std::erase_if(course.points, [](const Point* p) { return !p->throughput; });
    for (const Point* point : course.points) course.speeds.push_back(*SpeedOf(*point));
    course.speeds = Smoothed(course.speeds);
  }
  std::erase_if(courses, [](const auto& entry) { return entry.second.speeds.size() < kFewestReports; });
  for (auto& [rank, course] : courses) Judge(&course);
  std::erase_if(courses, [](const auto& entry) { return entry.second.before <= 0; });
  return courses;
}

std::string_view SpeedUnit(const std::map<int32_t, SpeedCourse>& courses) {
  bool tokens = !courses.empty() && courses.begin()->second.points.front()->throughput.has_value();
  return tokens ? "tokens/s" : "steps/s";
}

}  // namespace rankscope::diagnose
