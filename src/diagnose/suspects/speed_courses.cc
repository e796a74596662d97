#include "diagnose/suspects/speed_courses.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kReportsForSpeed = 16;
constexpr double kSlower = 1.35;

std::vector<double> Values(const PointSeries& series, size_t begin, size_t end, std::optional<double> Point::*member) {
  std::vector<double> values;
  for (size_t i = begin; i < end; ++i) {
    if (series[i]->*member && std::isfinite(*(series[i]->*member))) values.push_back(*(series[i]->*member));
  }
  return values;
}

// Reports that have the member.
PointSeries With(const PointSeries& series, std::optional<double> Point::*member) {
  PointSeries with;
  std::copy_if(series.begin(), series.end(), std::back_inserter(with),
               [&](const Point* point) { return (point->*member).has_value(); });
  return with;
}

// The steps that the reports are of; a report without one counts as a step of its own.
size_t Steps(const PointSeries& series) {
  std::set<int64_t> steps;
  for (const Point* point : series) steps.insert(point->step.value_or(-1 - static_cast<int64_t>(point->line)));
  return steps.size();
}

double Quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Three of four are slower than three of four were: noise seldom is.
bool AreApart(const std::vector<double>& before, const std::vector<double>& after, bool more_is_slower) {
  constexpr double kLow = 0.25, kHigh = 0.75;
  return more_is_slower ? Quantile(after, kLow) > Quantile(before, kHigh)
                        : Quantile(after, kHigh) < Quantile(before, kLow);
}

// The first report from which on four of five are beyond the middle between what was usual and what is.
size_t OnsetOf(const PointSeries& series, std::optional<double> Point::*member, double before, double after) {
  constexpr double kMost = 0.8;
  const double middle = std::sqrt(before * after);
  size_t onset = series.size() - 1;
  double slow = 0;
  for (size_t i = series.size(); i-- > 0;) {
    const double value = *(series[i]->*member);
    const bool is_slow = after > before ? value > middle : value < middle;
    slow += is_slow ? 1 : 0;
    if (is_slow && slow >= kMost * static_cast<double>(series.size() - i)) onset = i;
  }
  return onset;
}

// The last quarter of the run against its second: warm-up is over by then.
void FindDecay(const PointSeries& all, std::optional<double> Point::*member, bool more_is_slower, std::string_view name,
               std::vector<Suspect>* found) {
  PointSeries series = With(all, member);
  if (Steps(series) < kReportsForSpeed) return;
  const size_t quarter = series.size() / 4;
  const std::vector<double> early = Values(series, quarter, 2 * quarter, member);
  const std::vector<double> late = Values(series, 3 * quarter, series.size(), member);
  if (!AreApart(early, late, more_is_slower)) return;
  double before = MedianOf(early), after = MedianOf(late);
  if (before <= 0 || after <= 0) return;
  double slower = more_is_slower ? after / before : before / after;
  if (slower < kSlower) return;
  const Point& onset = *series[OnsetOf(series, member, before, after)];
  const std::string from = onset.step ? ", slow from step " + std::to_string(*onset.step) + " on" : "";
  found->push_back(Course(onset, "throughput_decay", "metrics", 60,
                          std::string(name) + " " + Figure(before) + " early, " + Figure(after) + " at last" + from));
}

constexpr double kWaitsForData = 0.5;
constexpr size_t kFewestWaits = 3;

double ShareOfWait(const Point& point) { return *point.data_time_s / *point.step_time_s; }

// "Epoch: [3][0/400]", but not "epoch: [0/100], iter: 10".
bool SaysFirstOfEpoch(std::string_view text) {
  static const re2::RE2 kFirst(R"((?i)(epoch\W{0,3})?\[ *[01]/\d+\])");
  re2::StringPiece left(text.data(), text.size()), epoch;
  while (re2::RE2::FindAndConsume(&left, kFirst, &epoch)) {
    if (epoch.empty()) return true;
  }
  return false;
}

// Reports with both times. The first step of a run and of an epoch waits for the workers to start.
PointSeries WithDataTime(const Reading& reading, const PointSeries& series) {
  PointSeries timed;
  const Point* before = nullptr;
  for (const Point* point : series) {
    bool again = before && point->step && before->step && *point->step <= *before->step;
    bool starts = !before || again || SaysFirstOfEpoch(reading.text(point->line));
    before = point;
    if (!starts && point->data_time_s && point->step_time_s && *point->step_time_s > 0) timed.push_back(point);
  }
  return timed;
}

// The wait's share of the time of all reports but the one that waited longest: workers that deliver by turns make some
// steps wait for long and the others not at all.
double ShareOfAll(const PointSeries& timed) {
  auto waits_less = [](const Point* a, const Point* b) { return *a->data_time_s < *b->data_time_s; };
  const Point* longest = *std::max_element(timed.begin(), timed.end(), waits_less);
  double waited = 0, all = 0;
  for (const Point* point : timed) {
    if (point == longest) continue;
    waited += *point->data_time_s;
    all += *point->step_time_s;
  }
  return all > 0 ? waited / all : 0;
}

constexpr double kWaitsThroughout = 0.8;

// A few reports tell enough where each is of many steps and almost all of its time is waited away.
bool AreEnough(const PointSeries& timed) {
  if (timed.size() + 1 >= kFewestReports) return true;
  if (timed.size() < kFewestWaits || !timed.front()->step || !timed.back()->step) return false;
  return *timed.back()->step - *timed.front()->step >= static_cast<int64_t>(kFewestReports) &&
         std::all_of(timed.begin(), timed.end(), [](auto* point) { return ShareOfWait(*point) > kWaitsThroughout; });
}

void FindDataWait(const Reading& reading, const PointSeries& series, std::vector<Suspect>* found) {
  const PointSeries timed = WithDataTime(reading, series);
  if (!AreEnough(timed)) return;
  std::vector<double> shares;
  PointSeries waits;
  for (const Point* point : timed) {
    shares.push_back(ShareOfWait(*point));
    if (shares.back() > kWaitsForData) waits.push_back(point);
  }
  const double usual = MedianOf(shares), of_all = ShareOfAll(timed);
  if (waits.empty() || (usual < kWaitsForData && (waits.size() < kFewestWaits || of_all < kWaitsForData))) return;
  std::string why = usual < kWaitsForData
                        ? Figure(100 * of_all) + " % of the time is spent waiting for data, in some steps all of it"
                        : Figure(100 * usual) + " % of each step is spent waiting for data";
  found->push_back(Course(*waits.front(), "data_loading_bottleneck", "metrics", 66, std::move(why)));
}

constexpr double kHoldsBack = 1.5;
constexpr size_t kFewestTimes = 3, kFewestRanks = 3;

// What a step takes by the ranks' reports.
std::map<int32_t, std::vector<double>> StepTimesOf(const std::map<int32_t, PointSeries>& ranks) {
  std::map<int32_t, std::vector<double>> times;
  for (const auto& [rank, series] : ranks) {
    std::vector<double> own = Values(series, 0, series.size(), &Point::step_time_s);
    if (rank >= 0 && own.size() >= kFewestTimes) times[rank] = std::move(own);
  }
  return times;
}

// One rank's steps take longer than those of all others.
void FindSlowRank(const std::map<int32_t, PointSeries>& ranks, std::vector<Suspect>* found) {
  std::map<int32_t, std::vector<double>> times = StepTimesOf(ranks);
  if (times.size() < kFewestRanks) return;
  auto less = [](const auto& a, const auto& b) { return MedianOf(a.second) < MedianOf(b.second); };
  auto slowest = std::max_element(times.begin(), times.end(), less);
  std::vector<double> medians, others;
  for (const auto& [rank, own] : times) {
    if (rank == slowest->first) continue;
    medians.push_back(MedianOf(own));
    others.insert(others.end(), own.begin(), own.end());
  }
  const double slow = MedianOf(slowest->second), highest = *std::max_element(medians.begin(), medians.end());
  if (slow < kHoldsBack * MedianOf(medians) || slow < 1.2 * highest || !AreApart(others, slowest->second, true)) return;
  const Point& at = *With(ranks.at(slowest->first), &Point::step_time_s).front();
  found->push_back(
      Course(at, "straggler", "metrics", 72,
             "its steps take " + Figure(slow) + " s, those of the others " + Figure(MedianOf(medians)) + " s"));
}

}  // namespace

void FindSpeedCourses(const Reading& reading, const std::map<int32_t, PointSeries>& ranks,
                      std::vector<Suspect>* found) {
  for (const auto& [rank, series] : ranks) {
    FindDataWait(reading, series, found);
    FindDecay(series, &Point::step_time_s, true, "seconds per step", found);
    FindDecay(series, &Point::throughput, false, "throughput", found);
  }
  FindSlowRank(ranks, found);
}

}  // namespace rankscope::diagnose
