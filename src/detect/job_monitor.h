#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "detect/job_rules.h"
#include "detect/metric_reader.h"
#include "detect/rules/rule_set.h"
#include "detect/watches/batch_shape.h"
#include "detect/watches/episodes.h"
#include "detect/watches/watch.h"

namespace rankscope::detect {

// All rules on one attempt of one job. One thread.
class JobMonitor {
 public:
  JobMonitor(std::shared_ptr<const RuleSet> rules, std::string job, int32_t attempt, Episodes::Sink sink,
             JobRules::Refused refused);
  JobMonitor(const JobMonitor&) = delete;
  JobMonitor& operator=(const JobMonitor&) = delete;

  // `origin` is the record's.
  void Take(const model::RecordView& record);
  void Advance(base::TimeNs now);
  // A later attempt has begun: that nothing more comes of this one is no silence.
  void Supersede() { training_.superseded = true; }
  // As Episodes::Resume, of all rules.
  void Resume(std::vector<Finding> told);
  // Goes on with other rules: findings of rules that keep their name stay open, windows begin anew.
  void Use(std::shared_ptr<const RuleSet> rules);

 private:
  // A rank, and its GPU, whose samples are no steps.
  using SourceKey = std::tuple<int32_t, int32_t, int64_t>;
  struct Held {
    Source source;
    std::vector<uint8_t> from_metrics;  // by metric: its points come in `metric` records, not in printed lines
    std::optional<int64_t> step;        // of the last record with metrics
    base::TimeNs step_time = 0;
    bool step_from_metrics = false;
    std::array<BatchShape, 2> shapes;  // tokens, sequence_length
  };

  void Build();
  bool TakeJudgement(const model::RecordView& record);
  void TakeEvent(const model::RecordView& record);
  void TakeAction(const model::RecordView& record);
  Held& SourceOf(const model::RecordView& record);
  // Finds the record's patterns and points. True: it is of an evaluation or a checkpoint.
  bool Read(const model::RecordView& record);
  bool IsTimeBelieved(base::TimeNs time);
  void TakeLine(const Held& held, const model::RecordView& record);
  void TakePoints(Held* held, const model::RecordView& record);
  void TakeShape(Held* held);
  void TakeStep(const Source& source, int metric, const Point& point, const model::RecordView& record);
  void DeriveStepTime(Held* held, const model::RecordView& record);
  void Tell(const Finding& finding);

  std::shared_ptr<const RuleSet> rules_;
  const std::string job_;
  const int32_t attempt_;
  const Episodes::Sink sink_;
  Training training_;
  base::TimeNs next_tick_ = INT64_MIN;
  std::optional<base::TimeNs> leapt_to_;  // the first of the times that are far off and not believed yet
  Routes routes_;
  std::vector<std::unique_ptr<Episodes>> episodes_;  // by rule
  std::vector<WatchPtr> watches_;
  JobRules job_rules_;
  std::map<SourceKey, Held> sources_;
  std::vector<StepRows> rows_;  // by metric
  MetricReader reader_;
  int step_time_metric_ = -1;  // -1: no rule looks at it
  std::array<int, 2> shape_metrics_ = {-1, -1};
  std::vector<size_t> speed_metrics_;  // that follow from the batch's shape
  MetricReader::Points points_;        // the record's
  std::vector<int> found_;             // patterns in the record's text
};

}  // namespace rankscope::detect
