#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "detect/batch_scale.h"
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
  struct SourceKey {
    int32_t node_rank, rank;
    int64_t device;
    bool operator==(const SourceKey&) const = default;
  };
  struct HashOfSource {
    size_t operator()(const SourceKey& key) const;
  };
  struct Held {
    Source source;
    std::vector<uint8_t> from_metrics;  // by metric: its points come in `metric` records, not in printed lines
    std::optional<int64_t> step;        // of the last record with metrics
    base::TimeNs step_time = 0;
    bool step_from_metrics = false;
    std::array<BatchShape, 2> shapes;  // tokens, sequence_length
    BatchLog batches;
  };

  void Build();
  bool TakeJudgement(const model::RecordView& record);
  void TakeEvent(const model::RecordView& record);
  Held& SourceOf(const model::RecordView& record);
  // Finds the record's patterns and points. True: it is of an evaluation or a checkpoint.
  bool Read(const model::RecordView& record);
  bool IsTimeBelieved(base::TimeNs time);
  void TakeLine(const Held& held, const model::RecordView& record);
  void TakePoints(Held* held, const model::RecordView& record);
  void TakeBatch(Held* held, const model::RecordView& record);
  void TakeShape(Held* held);
  bool IsDisturbed(const SeriesWindow& series, base::TimeNs time) const;
  void TakeStep(const Held& held, int metric, const Point& point, const model::RecordView& record);
  std::optional<BatchWork> BatchOf(const Held& held, const Point& point) const;
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
  std::unordered_map<SourceKey, Held, HashOfSource> sources_;  // addresses of which are kept
  std::vector<StepRows> rows_;                                 // by metric
  MetricReader reader_;
  int step_time_metric_ = -1;  // -1: no rule looks at it
  std::array<int, 2> shape_metrics_ = {-1, -1};
  std::vector<BatchScale::Speed> speeds_;  // by metric: these follow from the batch
  BatchScale scale_;
  MetricReader::Points points_;  // the record's
  std::vector<int> found_;       // patterns in the record's text
};

}  // namespace rankscope::detect
