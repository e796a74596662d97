#pragma once

#include <map>
#include <ostream>
#include <string>

#include "simulation/judge.h"

namespace rankscope::simulation {

// How the rules did in many runs.
class Report {
 public:
  static constexpr double kRecall = 0.97, kPrecision = 0.97, kRightRank = 0.95, kAlarmRate = 1;

  // One run; `fault` names its kind, "" is a healthy run.
  void Add(const std::string& fault, const Judgement& judgement);
  // A healthy run, whose hours count as those of jobs, or (many ranks) of ranks.
  void AddJobHours(double hours, const Judgement& judgement) { AddHours(hours, judgement, &jobs_); }
  void AddRankHours(double hours, const Judgement& judgement) { AddHours(hours, judgement, &ranks_); }

  double recall() const;
  double precision() const;
  double right_rank() const;
  double in_time() const;  // of what was found
  double alarms_in_100_job_hours() const { return 100 * jobs_.Rate(); }
  double alarms_in_1000_rank_hours() const { return 1000 * ranks_.Rate(); }

  bool HoldsGoals() const;

  void PrintFaults(std::ostream* out) const;   // a Markdown table by kind
  void PrintAlarms(std::ostream* out) const;   // which rules told what was not so
  void PrintSummary(std::ostream* out) const;  // against the goals

 private:
  struct Row {
    int64_t runs = 0, found = 0, in_time = 0, whom = 0, right_whom = 0, cause = 0, right_cause = 0, false_alarms = 0;
    std::vector<int64_t> delays;
  };
  struct Hours {
    double hours = 0;
    int64_t alarms = 0;
    double Rate() const { return hours > 0 ? static_cast<double>(alarms) / hours : 0; }
  };
  Row Sum() const;
  void AddHours(double hours, const Judgement& judgement, Hours* sum);

  std::map<std::string, Row> rows_;  // by kind
  std::map<std::string, int64_t> false_by_rule_;
  int64_t right_alarms_ = 0, false_alarms_ = 0;
  Hours jobs_, ranks_;
};

}  // namespace rankscope::simulation
