#include "diagnose/knowledge/insights_book.h"

#include <algorithm>
#include <array>

#include "diagnose/knowledge/similarity.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kFewestJobsOfTurn = 2;
constexpr double kSameTurn = 0.02;  // of the step
constexpr std::array<const char*, 4> kLabels = {"model", "framework", "parallelism", "cluster"};

bool MoreFailures(const Insights::Failures& a, const Insights::Failures& b) {
  return a.failed != b.failed ? a.failed > b.failed : a.value < b.value;
}

// What Similarity asks for, and what is told of it.
JobFacts LikenessOf(const JobFacts& facts) {
  JobFacts likeness;
  likeness.job = facts.job;
  likeness.incident = facts.incident;
  likeness.healthy = facts.healthy;
  likeness.failure = facts.failure;
  likeness.kind = facts.kind;
  likeness.templates = facts.templates;
  likeness.labels = facts.labels;
  return likeness;
}

}  // namespace

void InsightsBook::Count(const JobFacts& facts, int64_t sign) {
  CountTimes(facts, sign);
  if (!facts.healthy) CountIn(facts.failure, facts, facts.rank_hours(), true, sign, &classes_);
  for (const char* label : kLabels) {
    auto value = facts.labels.find(label);
    if (value == facts.labels.end()) continue;
    CountIn(value->second, facts, facts.rank_hours(), !facts.healthy, sign, &groups_[label]);
  }
  CountNodes(facts, sign);
  CountTurns(facts, sign);
  sign > 0 ? oom_settings_.Add(facts) : oom_settings_.Remove(facts);
  failures_.erase(facts.job);
  if (sign > 0 && !facts.healthy) failures_[facts.job] = LikenessOf(facts);
}

void InsightsBook::CountTimes(const JobFacts& facts, int64_t sign) {
  const auto times = static_cast<double>(sign);
  jobs_ += sign;
  failed_ += facts.healthy ? 0 : sign;
  hours_ += times * facts.hours();
  rank_hours_ += times * facts.rank_hours();
  if (!facts.last_step || facts.hours() <= 0) return;
  productive_ += times * facts.productive_s / 3600 * facts.ranks;
  measured_ += times * facts.rank_hours();
}

void InsightsBook::CountIn(const std::string& value, const JobFacts& facts, double rank_hours, bool failed,
                           int64_t sign, Tallies* tallies) {
  Tally& tally = (*tallies)[value];
  tally.jobs += sign;
  tally.rank_hours += static_cast<double>(sign) * rank_hours;
  if (failed) {
    tally.failed += sign;
    if ((tally.classes[facts.failure] += sign) == 0) tally.classes.erase(facts.failure);
  }
  if (tally.jobs == 0 && tally.failed == 0) tallies->erase(value);
}

// A job ran on all its nodes, each of which had a share of its ranks; its failure is the culprit's node's.
void InsightsBook::CountNodes(const JobFacts& facts, int64_t sign) {
  Tallies& nodes = groups_["node"];
  for (const std::string& host : facts.hosts) {
    const bool failed = !facts.healthy && host == facts.culprit_host;
    CountIn(host, facts, facts.rank_hours() / static_cast<double>(facts.hosts.size()), failed, sign, &nodes);
  }
}

void InsightsBook::CountTurns(const JobFacts& facts, int64_t sign) {
  for (const Inflection& one : facts.inflections) {
    auto& places = turns_[one.failure];
    std::pair<int64_t, std::string> place{one.step, facts.job};
    if ((places[place] += sign) == 0) places.erase(place);
  }
}

std::vector<Insights::Failures> InsightsBook::Sorted(const Tallies& tallies) {
  std::vector<Insights::Failures> list;
  list.reserve(tallies.size());
  for (const auto& [value, tally] : tallies) {
    Insights::Failures group{
        value, static_cast<size_t>(tally.jobs), static_cast<size_t>(tally.failed), tally.rank_hours, {}};
    for (const auto& [failure, count] : tally.classes) group.classes[failure] = static_cast<size_t>(count);
    list.push_back(std::move(group));
  }
  std::sort(list.begin(), list.end(), MoreFailures);
  return list;
}

// Runs of steps that lie close together, in which jobs left their course in the same way.
std::vector<Insights::Turn> InsightsBook::Turns() const {
  std::vector<Insights::Turn> turns;
  auto end = [&](Insights::Turn* turn) {
    std::sort(turn->jobs.begin(), turn->jobs.end());
    turn->jobs.erase(std::unique(turn->jobs.begin(), turn->jobs.end()), turn->jobs.end());
    if (turn->jobs.size() >= kFewestJobsOfTurn) turns.push_back(std::move(*turn));
  };
  for (const auto& [failure, places] : turns_) {
    Insights::Turn turn;
    for (const auto& [place, count] : places) {
      const auto& [step, job] = place;
      bool near = static_cast<double>(step - turn.to_step) <= kSameTurn * static_cast<double>(step);
      if (!near && !turn.jobs.empty()) end(&turn);
      if (!near || turn.jobs.empty()) turn = {step, step, failure, {}};
      turn.to_step = step;
      turn.jobs.push_back(job);
    }
    end(&turn);
  }
  return turns;
}

Insights InsightsBook::Summarize() const {
  Insights insights;
  insights.jobs = static_cast<size_t>(jobs_);
  insights.failed = static_cast<size_t>(failed_);
  insights.hours = hours_;
  insights.rank_hours = rank_hours_;
  if (measured_ > 0) insights.effective_training_time_ratio = std::clamp(productive_ / measured_, 0.0, 1.0);
  if (failed_ > 0) {
    insights.hours_between_failures = hours_ / static_cast<double>(failed_);
    insights.rank_hours_between_failures = rank_hours_ / static_cast<double>(failed_);
  }
  insights.classes = Sorted(classes_);
  for (const char* label : kLabels) insights.groups[label] = {};
  insights.groups["node"] = {};
  for (const auto& [label, tallies] : groups_) insights.groups[label] = Sorted(tallies);
  insights.oom_settings = oom_settings_.Noticed();
  insights.turns = Turns();
  return insights;
}

std::vector<Similar> InsightsBook::FindSimilar(const JobFacts& facts, size_t most) const {
  std::vector<Similar> similar;
  for (const auto& [job, other] : failures_) {
    if (job == facts.job) continue;
    double score = Similarity(facts, other);
    if (score > 0) similar.push_back({other.incident, other.job, other.failure, score});
  }
  std::stable_sort(similar.begin(), similar.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  if (similar.size() > most) similar.resize(most);
  return similar;
}

}  // namespace rankscope::diagnose
