#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detect/detectors/declared_schedule.h"
#include "detect/finding.h"
#include "detect/observed_pause.h"
#include "detect/parallelism.h"
#include "detect/rules/rule.h"
#include "detect/rules/rule_set.h"
#include "detect/step_rows.h"
#include "model/record_view.h"

namespace rankscope::detect {

// What all ranks of a job share.
struct Training {
  base::TimeNs now = 0;                // the latest time of a record that is believed, or of an Advance
  std::optional<int64_t> step;         // the latest
  base::TimeNs paused_at = INT64_MIN;  // when an evaluation or a checkpoint was spoken of last
  int64_t paused_step = 0;             // the latest of the job then
  ObservedPause pause;
  bool superseded = false;  // by a later attempt, in which the ranks have gone on
  Parallelism parallelism;
  std::optional<DeclaredSchedule> schedule;
};

// One rank of a job (or a device or a node that has no rank), and what is remembered of its metrics.
struct Source {
  const Training* training = nullptr;
  size_t slot = 0;  // dense in the job: watches keep their state of it in a vector
  Scope scope;
  std::vector<SeriesWindow> series;  // by the metric's number
};

// That a condition holds, somewhere and now.
struct Sighting {
  Scope scope;
  std::optional<int64_t> step;
  base::TimeNs time = 0;
  std::optional<base::TimeNs> looks_back_to;  // the moment the line speaks of
  std::optional<double> value, threshold;
  std::string why;
  std::vector<Cause> likely;
  const model::RecordView* record = nullptr;  // the evidence; null: there is no single one
  std::vector<model::Record> further;         // more evidence
};

// Whom a watch tells: a rule's Episodes, or a joint rule for one of its facts.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void Holds(const Sighting& sighting) = 0;
  // It does not hold any more for the scope.
  virtual void Ends(const Scope& scope, std::optional<int64_t> step, base::TimeNs time) = 0;
};

// Watches one job for one condition. Its state is bounded for each source. Calls come in the records' order.
class Watch {
 public:
  virtual ~Watch() = default;
  virtual void TakeLine(const Source&, const model::RecordView&, int /*pattern*/) {}
  // The newest point of the metric is already in the source's series.
  virtual void TakePoint(const Source&, int /*metric*/, const model::RecordView&) {}
  // All ranks have reported a step; its job's point is `middle`. The record is the one by which it was over.
  virtual void TakeStep(const StepRow&, const Point& /*middle*/, const model::RecordView&) {}
  virtual void TakeRecord(const Source&, const model::RecordView&) {}
  virtual void TakeFinding(const Finding&) {}
  // All records until `now` have come.
  virtual void Advance(base::TimeNs) {}
};

// Who gets what.
struct Routes {
  std::vector<std::vector<Watch*>> patterns, metrics, steps;  // by number of the pattern, or of the metric
  std::vector<Watch*> records, findings, ticks;
};

// Each makes the watch and enters it into the routes. The condition, the rules and the listener must outlive it.
using WatchPtr = std::unique_ptr<Watch>;
WatchPtr MakeLineWatch(const LineCondition& condition, const RuleSet& rules, Listener* listener, Routes* routes);
// `resolve_when` may be null.
WatchPtr MakeMetricWatch(const MetricCondition& condition, const When* resolve_when, const Rule& rule,
                         const RuleSet& rules, Listener* listener, Routes* routes);
WatchPtr MakeDetectorWatch(const DetectorCondition& condition, const Rule& rule, const RuleSet& rules,
                           Listener* listener, Routes* routes);
WatchPtr MakePeersWatch(const PeersCondition& condition, const Rule& rule, const RuleSet& rules, Listener* listener,
                        Routes* routes);
WatchPtr MakeSilenceWatch(const SilenceCondition& condition, Listener* listener, Routes* routes);
WatchPtr MakeJoinWatch(const JoinCondition& condition, const Rule& rule, const RuleSet& rules, Listener* listener,
                       Routes* routes);
// The one that the rule's condition asks for.
WatchPtr MakeWatch(const Rule& rule, const RuleSet& rules, Listener* listener, Routes* routes);

// The scope as far as `per` looks at it.
Scope Reduced(const Scope& scope, Per per);

}  // namespace rankscope::detect
