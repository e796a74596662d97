#include "detect/detectors/detector.h"
#include "detect/watches/watch.h"

namespace rankscope::detect {
namespace {

// A detector for each rank; of a rule about the job, one for the medians of all ranks step by step, so that it does not
// tell more often the more ranks there are. What has no step (samples of GPUs) is watched for each rank.
class DetectorWatch : public Watch {
 public:
  DetectorWatch(const DetectorCondition& condition, const Rule& rule, Listener* listener)
      : condition_(condition), rule_(rule), kind_(*FindDetectorKind(condition.detector)), listener_(listener) {}

  void TakePoint(const Source& source, int metric, const model::RecordView& record) override {
    const SeriesWindow& series = source.series[static_cast<size_t>(metric)];
    const Point& point = series.at(0);
    if (point.step && rule_.per == Per::kJob) return;  // TakeStep
    if (source.slot >= states_.size()) states_.resize(source.slot + 1);
    bool restarted = series.steps_seen() == point.steps;
    Judge(source.scope, *source.training, point, restarted, record, &states_[source.slot]);
  }

  void TakeStep(const StepRow& row, const Point& middle, const model::RecordView& record) override {
    Judge({}, *row.points.front().source->training, middle, row.restarted, record, &job_);
  }

 private:
  struct State {
    std::unique_ptr<Detector> detector;
    int64_t steps_seen = 0;
    bool holds = false;
  };

  void Judge(const Scope& scope, const Training& training, const Point& point, bool restarted,
             const model::RecordView& record, State* state) {
    if (restarted || !state->detector) {
      state->detector = kind_.make(condition_.parameters);
      state->steps_seen = 0;
    }
    state->steps_seen += point.steps;
    if (state->steps_seen <= rule_.warmup_steps || (rule_.ignore_disturbed && point.disturbed)) return;
    state->detector->Know(training);
    auto verdict = state->detector->Take(point);
    if (!verdict && state->holds) listener_->Ends(scope, point.step, point.time);
    state->holds = verdict.has_value();
    if (verdict) Tell(scope, point, record, *verdict);
  }

  void Tell(const Scope& scope, const Point& point, const model::RecordView& record, const Verdict& verdict) {
    Sighting sighting;
    sighting.scope = scope;
    sighting.step = point.step;
    sighting.time = point.time;
    sighting.value = verdict.value;
    sighting.threshold = verdict.threshold;
    sighting.why = condition_.metric + ": " + verdict.why;
    sighting.record = &record;
    listener_->Holds(sighting);
  }

  const DetectorCondition& condition_;
  const Rule& rule_;
  const DetectorKind& kind_;
  Listener* listener_;
  std::vector<State> states_;  // by slot
  State job_;
};

}  // namespace

WatchPtr MakeDetectorWatch(const DetectorCondition& condition, const Rule& rule, const RuleSet& rules,
                           Listener* listener, Routes* routes) {
  auto watch = std::make_unique<DetectorWatch>(condition, rule, listener);
  auto metric = static_cast<size_t>(rules.MetricNumber(condition.metric));
  routes->metrics[metric].push_back(watch.get());
  if (rule.per == Per::kJob) routes->steps[metric].push_back(watch.get());
  return watch;
}

}  // namespace rankscope::detect
