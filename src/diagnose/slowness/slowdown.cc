#include "diagnose/slowness/slowdown.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "diagnose/slowness/slow_element.h"
#include "diagnose/slowness/speed_course.h"
#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

using Courses = std::map<int32_t, SpeedCourse>;

constexpr size_t kFewestRanks = 4;
// What is slower than this share of before is a slowdown (as FindCourses has it, 1 / 1.35).
constexpr double kSlow = 0.74;
// Of a run, slow: less is an accident that passed.
constexpr double kLongShare = 0.1;
// A share of the longer step, that goes on one thing, explains it.
constexpr double kMost = 0.5;

bool IsSlow(const SpeedCourse& course) {
  if (!course.onset || course.worst >= kSlow * course.before) return false;
  auto slow = std::count_if(course.speeds.begin(), course.speeds.end(),
                            [&](double speed) { return speed < kSlow * course.before; });
  return static_cast<double>(slow) >= kLongShare * static_cast<double>(course.speeds.size());
}

// By step where all tell it, so that clocks need not agree; else by the place in the order of time.
double KeyOf(const Reading& reading, const RankOnset& onset, bool by_step) {
  return static_cast<double>(by_step ? *onset.step : static_cast<int64_t>(reading.positions[onset.line]));
}

struct Order {
  std::vector<RankOnset> ranks;
  std::vector<double> keys;
};

Order OrderOfOnsets(const Reading& reading, const Courses& courses) {
  std::vector<std::pair<double, RankOnset>> found;
  bool by_step = true;
  std::vector<RankOnset> onsets;
  for (const auto& [rank, course] : courses) {
    if (!IsSlow(course)) continue;
    const Point& point = *course.points[*course.onset];
    onsets.push_back({rank, point.step, point.line});
    by_step = by_step && point.step.has_value();
  }
  found.reserve(onsets.size());
  for (RankOnset& onset : onsets) found.emplace_back(KeyOf(reading, onset, by_step), onset);
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Order order;
  for (auto& [key, onset] : found) {
    order.keys.push_back(key);
    order.ranks.push_back(onset);
  }
  return order;
}

void SetSpeeds(const Courses& courses, Slowdown* slowdown) {
  std::vector<double> before, worst, after;
  std::vector<double> worst_steps, recovered;
  size_t slow = 0;
  for (const auto& [rank, course] : courses) {
    if (!IsSlow(course)) continue;
    ++slow;
    before.push_back(course.before);
    worst.push_back(course.worst);
    after.push_back(course.after);
    if (auto step = course.points[course.worst_at]->step) worst_steps.push_back(static_cast<double>(*step));
    auto step = course.recovers_at ? course.points[*course.recovers_at]->step : std::nullopt;
    if (step) recovered.push_back(static_cast<double>(*step));
  }
  slowdown->before = MedianOf(before);
  slowdown->worst = MedianOf(worst);
  slowdown->after = MedianOf(after);
  if (!worst_steps.empty()) slowdown->worst_step = static_cast<int64_t>(MedianOf(worst_steps));
  if (recovered.size() * 2 > slow) slowdown->recovered_step = static_cast<int64_t>(MedianOf(recovered));
}

// Words about the network that the training outlived, those of the ranks where it began before the others'.
bool SpeaksOfNetwork(const Signature& signature) {
  constexpr std::string_view kOfNetwork[] = {"network_degraded", "nccl_system_error", "nccl_timeout", "gloo_error"};
  return signature.role != Role::kHarmless &&
         std::find(std::begin(kOfNetwork), std::end(kOfNetwork), signature.failure) != std::end(kOfNetwork);
}

void FindWords(const Reading& reading, const std::vector<RankOnset>& order, Slowdown* slowdown) {
  std::map<int32_t, size_t> places;
  for (size_t i = 0; i < order.size(); ++i) places[order[i].rank] = i;
  std::vector<std::pair<size_t, size_t>> said;
  for (const Sighting& sighting : reading.sightings) {
    if (!SpeaksOfNetwork(*sighting.signature)) continue;
    auto place = reading.ranks[sighting.line] ? places.find(*reading.ranks[sighting.line]) : places.end();
    if (place != places.end()) said.emplace_back(place->second, sighting.line);
  }
  std::stable_sort(said.begin(), said.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [place, line] : said) slowdown->said.push_back(line);
}

// How much of what a step takes longer goes on `member`, over the ranks where it began.
std::optional<double> ShareOfDelay(const Courses& courses, const std::vector<RankOnset>& order,
                                   std::optional<double> Point::*member) {
  std::vector<double> shares;
  for (const RankOnset& onset : order) {
    const SpeedCourse& course = courses.at(onset.rank);
    auto medians = [&](size_t begin, size_t end, std::optional<double> Point::*of) {
      std::vector<double> values;
      for (size_t i = begin; i < end; ++i) {
        if (auto value = course.points[i]->*of) values.push_back(*value);
      }
      return values.empty() ? std::nullopt : std::optional(MedianOf(values));
    };
    const size_t late_end = course.recovers_at.value_or(course.points.size());
    const size_t late = std::min(course.worst_at, late_end);
    auto step_before = medians(0, *course.onset, &Point::step_time_s),
         step_late = medians(late, late_end, &Point::step_time_s);
    auto part_before = medians(0, *course.onset, member), part_late = medians(late, late_end, member);
    if (!step_before || !step_late || !part_before || !part_late || *step_late <= *step_before) continue;
    shares.push_back((*part_late - *part_before) / (*step_late - *step_before));
  }
  return shares.empty() ? std::nullopt : std::optional(MedianOf(shares));
}

// Where it began: the element's ranks among the first, else one that was first by itself.
std::vector<int32_t> FirstOf(const Order& order, const std::optional<SlowElement>& element) {
  std::vector<int32_t> first;
  if (element) {
    for (const RankOnset& onset : order.ranks) {
      bool own = std::binary_search(element->element.ranks.begin(), element->element.ranks.end(), onset.rank);
      if (own) first.push_back(onset.rank);
    }
    return first;
  }
  bool alone = order.keys.size() == 1 || (order.keys.size() > 1 && order.keys[0] < order.keys[1]);
  return alone ? std::vector<int32_t>{order.ranks.front().rank} : first;
}

bool IsOfNetwork(const std::optional<SlowElement>& element) {
  return element && element->element.kind != Element::Kind::kNode;
}

std::string_view ClassOf(const Slowdown& slowdown, const Courses& courses, const std::vector<RankOnset>& first) {
  auto data = ShareOfDelay(courses, first, &Point::data_time_s);
  if (data && *data > kMost) return "data_loading_bottleneck";
  auto compute = ShareOfDelay(courses, first, &Point::compute_time_s);
  bool some = slowdown.element || slowdown.first.size() == 1;
  if (compute && *compute > kMost) return some ? "straggler" : "throughput_decay";
  bool network = !slowdown.links.empty() || !slowdown.said.empty() || IsOfNetwork(slowdown.element);
  if (network) return "network_degraded";
  return some ? "straggler" : "throughput_decay";
}

std::vector<RankOnset> OnsetsOf(const Order& order, const std::vector<int32_t>& first) {
  if (first.empty()) return order.ranks;
  const std::set<int32_t> wanted(first.begin(), first.end());
  std::vector<RankOnset> onsets;
  std::copy_if(order.ranks.begin(), order.ranks.end(), std::back_inserter(onsets),
               [&](const RankOnset& onset) { return wanted.count(onset.rank) > 0; });
  return onsets;
}

std::vector<int32_t> RanksOf(const Courses& courses) {
  std::vector<int32_t> ranks;
  for (const auto& [rank, course] : courses) ranks.push_back(rank);
  return ranks;
}

std::string Chance(const SlowElement& found) { return "1 in 10^" + std::to_string(std::lround(-found.log_chance)); }

// Those that throttled before the job was slow for good, and are not elsewhere than where it began.
std::vector<ThrottledGpu> FindExplaining(const Reading& reading, const Courses& courses, const Slowdown& slowdown) {
  size_t slowest = SIZE_MAX;  // where the first of the slow ranks is slowest
  for (const auto& [rank, course] : courses) {
    if (IsSlow(course)) slowest = std::min(slowest, reading.positions[course.points[course.worst_at]->line]);
  }
  if (slowdown.failure == "data_loading_bottleneck") return {};
  std::vector<ThrottledGpu> gpus = FindThrottledGpus(reading);
  std::erase_if(gpus, [&](const ThrottledGpu& gpu) {
    // Of few ranks that report, which was first says nothing of the others.
    bool elsewhere = courses.size() >= kFewestRanks && !slowdown.first.empty() && gpu.rank &&
                     std::find(slowdown.first.begin(), slowdown.first.end(), *gpu.rank) == slowdown.first.end();
    return elsewhere || reading.positions[gpu.line] > slowest;
  });
  return gpus;
}

void BlameGpus(std::vector<ThrottledGpu> gpus, Slowdown* slowdown) {
  slowdown->failure = "thermal_or_power_throttle";
  slowdown->kind = gpus.front().by_heat ? "thermal" : "power";
  slowdown->first.clear();
  for (const ThrottledGpu& gpu : gpus) {
    if (gpu.rank) slowdown->first.push_back(*gpu.rank);
  }
  slowdown->element.reset();
  slowdown->likely.reset();
  slowdown->line = gpus.front().line;
  slowdown->why = "its GPU throttles itself";
  slowdown->throttled = std::move(gpus);
}

std::string WhyOf(const Slowdown& slowdown) {
  if (!slowdown.element) return "it slowed first";
  const SlowElement& found = *slowdown.element;
  return "it slowed first; of the first " + std::to_string(found.draws) + " ranks to slow " +
         std::to_string(found.hits) + " are of " + std::string(KindName(found.element.kind)) + " " +
         found.element.name + ", which has " + std::to_string(found.element.ranks.size()) + " of " +
         std::to_string(slowdown.ranks) + " (by chance: " + Chance(found) + ")";
}

}  // namespace

std::optional<Slowdown> FindSlowdown(const Reading& reading, const Topology& topology) {
  Courses courses = FindSpeedCourses(reading);
  Order order = OrderOfOnsets(reading, courses);
  if (order.ranks.empty()) return std::nullopt;
  Slowdown slowdown;
  slowdown.ranks = courses.size();
  slowdown.unit = SpeedUnit(courses);
  SetSpeeds(courses, &slowdown);
  slowdown.links = FindHotLinks(*reading.read);
  FindWords(reading, order.ranks, &slowdown);
  std::vector<Element> elements = ElementsOf(topology, PlacesOf(reading, RanksOf(courses)));
  bool of_network = !slowdown.links.empty() || !slowdown.said.empty();
  slowdown.element = FindSlowElement(order.ranks, order.keys, elements, courses.size(), slowdown.links, of_network);
  if (!slowdown.element) {
    slowdown.likely = FindLikelyElement(order.ranks, order.keys, elements, courses.size(), slowdown.links, of_network);
  }
  slowdown.first = FirstOf(order, slowdown.element);
  slowdown.failure = ClassOf(slowdown, courses, OnsetsOf(order, slowdown.first));
  slowdown.kind = slowdown.element ? KindName(slowdown.element->element.kind) : slowdown.first.empty() ? "job" : "rank";
  slowdown.line = slowdown.said.empty() ? order.ranks.front().line : slowdown.said.front();
  slowdown.order = std::move(order.ranks);
  slowdown.why = WhyOf(slowdown);
  if (auto gpus = FindExplaining(reading, courses, slowdown); !gpus.empty()) {
    BlameGpus(std::move(gpus), &slowdown);
  } else if (courses.size() < kFewestRanks) {
    return std::nullopt;
  }
  return slowdown;
}

Suspect SuspectOf(const Slowdown& slowdown) {
  bool whole = slowdown.kind == "job";
  const bool proven = slowdown.failure == "network_degraded" || !slowdown.throttled.empty();
  int score = proven ? 79 : slowdown.failure == "throughput_decay" ? 62 : 76;
  std::optional<int32_t> rank = slowdown.first.empty() ? std::nullopt : std::optional(slowdown.first.front());
  return {slowdown.line,
          slowdown.failure,
          whole ? "metrics" : slowdown.kind,
          Role::kCause,
          score,
          rank,
          Traceback::kNone,
          {}};
}

}  // namespace rankscope::diagnose
