#include "diagnose/knowledge/insights.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "diagnose/knowledge/oom_settings.h"

namespace rankscope::diagnose {
namespace {

using nlohmann::ordered_json;

constexpr size_t kFewestJobsOfTurn = 2;
constexpr double kSameTurn = 0.02;  // of the step

bool MoreFailures(const Insights::Failures& a, const Insights::Failures& b) {
  return a.failed != b.failed ? a.failed > b.failed : a.value < b.value;
}

void Count(const JobFacts& facts, Insights::Failures* group) {
  ++group->jobs;
  group->rank_hours += facts.rank_hours();
  if (facts.healthy) return;
  ++group->failed;
  ++group->classes[facts.failure];
}

std::vector<Insights::Failures> Sorted(const std::map<std::string, Insights::Failures>& groups) {
  std::vector<Insights::Failures> list;
  list.reserve(groups.size());
  for (const auto& [value, group] : groups) {
    list.push_back(group);
    list.back().value = value;
  }
  std::sort(list.begin(), list.end(), MoreFailures);
  return list;
}

std::vector<Insights::Failures> ByClass(const std::vector<JobFacts>& jobs) {
  std::map<std::string, Insights::Failures> classes;
  for (const JobFacts& facts : jobs) {
    if (!facts.healthy) Count(facts, &classes[facts.failure]);
  }
  return Sorted(classes);
}

std::vector<Insights::Failures> ByLabel(const std::vector<JobFacts>& jobs, const std::string& label) {
  std::map<std::string, Insights::Failures> groups;
  for (const JobFacts& facts : jobs) {
    auto found = facts.labels.find(label);
    if (found != facts.labels.end()) Count(facts, &groups[found->second]);
  }
  return Sorted(groups);
}

// A job ran on all its nodes, each of which had a share of its ranks; its failure is the culprit's node's.
std::vector<Insights::Failures> ByNode(const std::vector<JobFacts>& jobs) {
  std::map<std::string, Insights::Failures> nodes;
  for (const JobFacts& facts : jobs) {
    for (const std::string& host : facts.hosts) {
      Insights::Failures& node = nodes[host];
      ++node.jobs;
      node.rank_hours += facts.rank_hours() / static_cast<double>(facts.hosts.size());
    }
    if (facts.healthy || facts.culprit_host.empty()) continue;
    ++nodes[facts.culprit_host].failed;
    ++nodes[facts.culprit_host].classes[facts.failure];
  }
  return Sorted(nodes);
}

void AddTimes(const std::vector<JobFacts>& jobs, Insights* insights) {
  double productive = 0, measured = 0;
  for (const JobFacts& facts : jobs) {
    insights->hours += facts.hours();
    insights->rank_hours += facts.rank_hours();
    insights->failed += facts.healthy ? 0 : 1;
    if (!facts.last_step || facts.hours() <= 0) continue;
    productive += facts.productive_s / 3600 * facts.ranks;
    measured += facts.rank_hours();
  }
  if (measured > 0) insights->effective_training_time_ratio = std::min(1.0, productive / measured);
  if (insights->failed == 0) return;
  insights->hours_between_failures = insights->hours / static_cast<double>(insights->failed);
  insights->rank_hours_between_failures = insights->rank_hours / static_cast<double>(insights->failed);
}

// Runs of steps that lie close together, in which jobs left their course in the same way.
std::vector<Insights::Turn> Turns(const std::vector<JobFacts>& jobs) {
  std::map<std::string, std::vector<std::pair<int64_t, const JobFacts*>>> places;
  for (const JobFacts& facts : jobs) {
    for (const Inflection& one : facts.inflections) places[one.failure].emplace_back(one.step, &facts);
  }
  std::vector<Insights::Turn> turns;
  for (auto& [failure, list] : places) {
    std::sort(list.begin(), list.end());
    for (size_t begin = 0, end = 0; begin < list.size(); begin = end) {
      Insights::Turn turn{list[begin].first, list[begin].first, failure, {}};
      auto near = [&](int64_t step) {
        return static_cast<double>(step - turn.to_step) <= kSameTurn * static_cast<double>(step);
      };
      for (end = begin; end < list.size() && near(list[end].first); ++end) {
        turn.to_step = list[end].first;
        turn.jobs.push_back(list[end].second->job);
      }
      std::sort(turn.jobs.begin(), turn.jobs.end());
      turn.jobs.erase(std::unique(turn.jobs.begin(), turn.jobs.end()), turn.jobs.end());
      if (turn.jobs.size() >= kFewestJobsOfTurn) turns.push_back(std::move(turn));
    }
  }
  return turns;
}

ordered_json FailuresJson(const std::vector<Insights::Failures>& list, const char* name) {
  ordered_json json = ordered_json::array();
  for (const auto& one : list) {
    json.push_back({{name, one.value},
                    {"jobs", one.jobs},
                    {"failed", one.failed},
                    {"rank_hours", one.rank_hours},
                    {"classes", one.classes}});
  }
  return json;
}

ordered_json OrNull(const std::optional<double>& number) { return number ? ordered_json(*number) : ordered_json(); }

}  // namespace

Insights Summarize(const std::vector<JobFacts>& jobs) {
  Insights insights;
  insights.jobs = jobs.size();
  AddTimes(jobs, &insights);
  insights.classes = ByClass(jobs);
  for (const char* label : {"model", "framework", "parallelism", "cluster"}) {
    insights.groups[label] = ByLabel(jobs, label);
  }
  insights.groups["node"] = ByNode(jobs);
  insights.oom_settings = OomSettings(jobs);
  insights.turns = Turns(jobs);
  return insights;
}

std::string ToJson(const Insights& insights) {
  ordered_json json = {{"jobs", insights.jobs},
                       {"failed", insights.failed},
                       {"hours", insights.hours},
                       {"rank_hours", insights.rank_hours},
                       {"failures", FailuresJson(insights.classes, "class")}};
  for (const auto& [label, groups] : insights.groups) json["by_" + label] = FailuresJson(groups, label.c_str());
  json["mean_time_between_failures"] = {{"hours", OrNull(insights.hours_between_failures)},
                                        {"rank_hours", OrNull(insights.rank_hours_between_failures)}};
  json["oom_settings"] = ordered_json::array();
  for (const auto& one : insights.oom_settings) {
    json["oom_settings"].push_back({{"setting", one.name},
                                    {"value", one.value},
                                    {"jobs", one.jobs},
                                    {"ooms", one.ooms},
                                    {"other_jobs", one.other_jobs},
                                    {"other_ooms", one.other_ooms},
                                    {"chance", one.chance}});
  }
  json["inflection_points"] = ordered_json::array();
  for (const auto& turn : insights.turns) {
    json["inflection_points"].push_back(
        {{"from_step", turn.from_step}, {"to_step", turn.to_step}, {"class", turn.failure}, {"jobs", turn.jobs}});
  }
  json["effective_training_time_ratio"] = OrNull(insights.effective_training_time_ratio);
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace rankscope::diagnose
