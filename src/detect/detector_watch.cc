#include "detect/detector.h"
#include "detect/watch.h"

namespace rankscope::detect {
namespace {

// A detector for each rank.
class DetectorWatch : public Watch {
 public:
  DetectorWatch(const DetectorCondition& condition, const Rule& rule, Listener* listener)
      : condition_(condition), rule_(rule), kind_(*FindDetectorKind(condition.detector)), listener_(listener) {}

  void TakePoint(const Source& source, int metric, const model::RecordView& record) override {
    const SeriesWindow& series = source.series[static_cast<size_t>(metric)];
    const Point& point = series.at(0);
    bool restarted = series.steps_seen() == point.steps;
    if (source.slot >= states_.size()) states_.resize(source.slot + 1);
    State& state = states_[source.slot];
    if (restarted || !state.detector) state.detector = kind_.make(condition_.parameters);
    if (series.steps_seen() <= rule_.warmup_steps || (rule_.ignore_disturbed && point.disturbed)) return;
    auto verdict = state.detector->Take(point);
    if (!verdict && state.holds) listener_->Ends(source.scope, point.step, point.time);
    state.holds = verdict.has_value();
    if (verdict) Tell(source, point, record, *verdict);
  }

 private:
  struct State {
    std::unique_ptr<Detector> detector;
    bool holds = false;
  };

  void Tell(const Source& source, const Point& point, const model::RecordView& record, const Verdict& verdict) {
    Sighting sighting;
    sighting.scope = source.scope;
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
};

}  // namespace

WatchPtr MakeDetectorWatch(const DetectorCondition& condition, const Rule& rule, const RuleSet& rules,
                           Listener* listener, Routes* routes) {
  auto watch = std::make_unique<DetectorWatch>(condition, rule, listener);
  routes->metrics[static_cast<size_t>(rules.MetricNumber(condition.metric))].push_back(watch.get());
  return watch;
}

}  // namespace rankscope::detect
