#include "diagnose/knowledge/job_diff.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "diagnose/knowledge/command_options.h"

namespace rankscope::diagnose {
namespace {

using nlohmann::ordered_json;

constexpr double kApart = 0.1;

using Texts = std::map<std::string, std::string>;

bool HasOptions(const Texts& settings) { return settings.lower_bound("option.") != settings.lower_bound("option/"); }

void CompareTexts(const Texts& before, const Texts& now, const std::string& prefix,
                  std::vector<JobDiff::Setting>* out) {
  Texts all = before;
  all.insert(now.begin(), now.end());
  auto value = [](const Texts& texts, const std::string& name) {
    auto found = texts.find(name);
    return found == texts.end() ? std::string() : found->second;
  };
  for (const auto& entry : all) {
    std::string old = value(before, entry.first), fresh = value(now, entry.first);
    // Its options are settings of their own.
    const bool same = old == fresh || (entry.first == "command" && ReadCommand(old).rest == ReadCommand(fresh).rest &&
                                       HasOptions(before) && HasOptions(now));
    if (!same) out->push_back({prefix + entry.first, old, fresh});
  }
}

bool Apart(double a, double b) { return std::abs(a - b) > kApart * std::max(std::abs(a), std::abs(b)); }

// The first step of the stretch, up to the end of what both have, in which all points lie apart.
std::optional<int64_t> ApartFrom(const Curve& before, const Curve& now, int64_t end) {
  std::optional<int64_t> from;
  const auto& old = before.points();
  for (const Curve::Point& point : now.points()) {
    if (point.step >= end) break;
    auto next = std::upper_bound(old.begin(), old.end(), point.step,
                                 [](int64_t step, const Curve::Point& other) { return step < other.step; });
    if (next == old.begin()) continue;
    if (!Apart(std::prev(next)->value, point.value)) {
      from.reset();
    } else if (!from) {
      from = point.step;
    }
  }
  return from;
}

JobDiff::Metric CompareCurves(const std::string& name, const Curve& before, const Curve& now) {
  JobDiff::Metric metric{name, {}, {}, {}};
  if (before.points().empty() || now.points().empty()) return metric;
  int64_t begin = std::max(before.points().front().step, now.points().front().step);
  int64_t end = std::min(before.points().back().step, now.points().back().step) + 1;
  metric.before = before.Median(begin, end);
  metric.now = now.Median(begin, end);
  metric.apart_from = ApartFrom(before, now, end);
  return metric;
}

ordered_json OrNull(const std::optional<double>& number) { return number ? ordered_json(*number) : ordered_json(); }
ordered_json OrNull(const std::string& text) { return text.empty() ? ordered_json() : ordered_json(text); }

}  // namespace

JobDiff Compare(const JobFacts& before, const JobFacts& now) {
  JobDiff diff;
  CompareTexts(before.settings, now.settings, "", &diff.settings);
  CompareTexts(before.labels, now.labels, "label.", &diff.settings);
  std::set_difference(before.hosts.begin(), before.hosts.end(), now.hosts.begin(), now.hosts.end(),
                      std::back_inserter(diff.nodes_left));
  std::set_difference(now.hosts.begin(), now.hosts.end(), before.hosts.begin(), before.hosts.end(),
                      std::back_inserter(diff.nodes_new));
  for (const auto& [name, curve] : before.curves) {
    auto other = now.curves.find(name);
    if (other != now.curves.end()) diff.metrics.push_back(CompareCurves(name, curve, other->second));
  }
  return diff;
}

std::string ToJson(const JobDiff& diff) {
  ordered_json json;
  json["settings"] = ordered_json::array();
  for (const auto& one : diff.settings) {
    json["settings"].push_back({{"name", one.name}, {"before", OrNull(one.before)}, {"now", OrNull(one.now)}});
  }
  json["nodes"] = {{"left", diff.nodes_left}, {"new", diff.nodes_new}};
  json["metrics"] = ordered_json::array();
  for (const auto& one : diff.metrics) {
    json["metrics"].push_back({{"name", one.name},
                               {"before", OrNull(one.before)},
                               {"now", OrNull(one.now)},
                               {"apart_from_step", one.apart_from ? ordered_json(*one.apart_from) : ordered_json()}});
  }
  return base::JsonText(json);
}

}  // namespace rankscope::diagnose
