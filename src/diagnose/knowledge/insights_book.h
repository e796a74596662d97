#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "diagnose/knowledge/insights.h"
#include "diagnose/knowledge/job_facts.h"
#include "diagnose/knowledge/oom_settings.h"

namespace rankscope::diagnose {

// Adds up what jobs tell together as they end, so that no question looks at each of them again. Its size is that of
// what differs between jobs, and of the failures. Thread-compatible.
class InsightsBook {
 public:
  void Add(const JobFacts& facts) { Count(facts, 1); }
  // REQUIRES that these facts were added.
  void Remove(const JobFacts& facts) { Count(facts, -1); }

  Insights Summarize() const;
  // The most similar failures of other jobs, at most `most`, those of another class left out.
  std::vector<Similar> FindSimilar(const JobFacts& facts, size_t most = 5) const;

  // All of it, for the next start. docs/knowledge.md
  std::string ToJson() const;
  static base::Result<InsightsBook> FromJson(std::string_view text);  // kCorrupt; also what another version wrote

 private:
  // As in Insights::Failures, but that numbers may be taken away.
  struct Tally {
    int64_t jobs = 0, failed = 0;
    double rank_hours = 0;
    std::map<std::string, int64_t> classes;
  };
  using Tallies = std::map<std::string, Tally>;

  static nlohmann::json JsonOf(const Tallies& tallies);
  static Tallies TalliesFrom(const nlohmann::json& json);
  void Read(const nlohmann::json& json);  // throws where it is not what ToJson wrote
  void Count(const JobFacts& facts, int64_t sign);
  void CountTimes(const JobFacts& facts, int64_t sign);
  void CountNodes(const JobFacts& facts, int64_t sign);
  void CountTurns(const JobFacts& facts, int64_t sign);
  static void CountIn(const std::string& value, const JobFacts& facts, double rank_hours, bool failed, int64_t sign,
                      Tallies* tallies);
  static std::vector<Insights::Failures> Sorted(const Tallies& tallies);
  std::vector<Insights::Turn> Turns() const;

  int64_t jobs_ = 0, failed_ = 0;
  double hours_ = 0, rank_hours_ = 0;
  double productive_ = 0, measured_ = 0;  // rank-hours of the jobs that reported steps
  Tallies classes_;
  std::map<std::string, Tallies> groups_;  // by label, and by "node"
  OomSettings oom_settings_;
  std::map<std::string, std::map<std::pair<int64_t, std::string>, int64_t>> turns_;  // by class: step and job
  std::map<std::string, JobFacts> failures_;                                         // by job; what similarity looks at
};

}  // namespace rankscope::diagnose
