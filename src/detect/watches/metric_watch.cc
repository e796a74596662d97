#include <algorithm>
#include <cmath>

#include "detect/detectors/statistics.h"
#include "detect/watches/watch.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

constexpr size_t kUsualPoints = 16;
constexpr double kNoise = 4;     // usual differences of means that say nothing
constexpr double kDoubt = 0.25;  // of a step: noise alone moves the mean, too

// A comparison of numbers that holds for some steps of a rank.
//
// A record over several steps is judged by its extremes: where both hold, each step did; where one does, as many as
// would give the mean if each step were the extreme or like those before. So the verdict is the same at each interval.
class MetricWatch : public Watch, private Surroundings {
 public:
  MetricWatch(const MetricCondition& condition, const When* resolve_when, const Rule& rule, const RuleSet& rules,
              Listener* listener)
      : condition_(condition), resolve_when_(resolve_when), rule_(rule), rules_(rules), listener_(listener) {
    for (const When::Need& need : condition.when.Needs()) {
      if (metric_ < 0 && condition.metric.empty() && need.metric != "nonfinite") {
        metric_ = rules.MetricNumber(need.metric);
      }
    }
    if (!condition.metric.empty()) metric_ = rules.MetricNumber(condition.metric);
    Name(condition.when);
    if (resolve_when) Name(*resolve_when);
  }

  // Whose points it waits for; of an `expr:`, those of the metric that it names first.
  int metric() const { return metric_; }

  void TakePoint(const Source& source, int metric, const model::RecordView& record) override {
    if (source.slot >= states_.size()) states_.resize(source.slot + 1);
    State& state = states_[source.slot];
    source_ = &source;
    const SeriesWindow& series = source.series[static_cast<size_t>(metric)];
    const Point& point = series.at(0);
    if (series.steps_seen() <= rule_.warmup_steps) return;
    if (rule_.ignore_disturbed && point.unlike) return Interrupt(&state);
    skip_ = state.points + 1;
    Judgement judgement = Judge(point);
    // A pause makes one step a slow one. Where all steps of a record are, that is not why.
    if (rule_.ignore_disturbed && point.disturbed && !(point.steps > 1 && judgement.whole)) return;
    Count(judgement, point, &state);
    if (state.firing) {
      Judge(judgement, point, &state);
    } else if (Lasts(judgement, point, state)) {
      state.firing = true;
      state.off_steps = 0;
    }
    if (state.firing && judgement.steps > 0) Tell(record, point, judgement.side);
  }

 private:
  struct State {
    int64_t steps = 0;  // for which it has held without a break
    size_t points = 0;  // in which
    base::TimeNs since = 0;
    int64_t off_steps = 0;  // since it held last, while firing
    bool firing = false;
  };
  struct Judgement {
    int64_t steps = 0;        // of the point, for which it holds
    bool whole = false;       // for each of them
    bool at_end = false;      // for the last
    Side side = Side::kLast;  // whose value shows it
  };

  // What is passed over joins nothing: three odd steps among many unlike ones are not three in a row.
  static void Interrupt(State* state) {
    if (state->firing) return;
    state->steps = 0;
    state->points = 0;
  }

  // Looked up once: conditions are evaluated for each point.
  void Name(const When& when) {
    for (const When::Need& need : when.Needs()) {
      bool own = need.metric.empty() || need.metric == "value" || need.metric == "nonfinite";
      if (!own) named_.emplace_back(need.metric, rules_.MetricNumber(need.metric));
    }
  }

  Judgement Judge(const Point& point) const {
    Judgement judgement;
    judgement.at_end = condition_.when.Holds(*this, Side::kLast);
    if (point.steps == 1) {
      judgement.steps = judgement.whole = judgement.at_end;
      return judgement;
    }
    bool low = condition_.when.Holds(*this, Side::kLow), high = condition_.when.Holds(*this, Side::kHigh);
    judgement.side = judgement.at_end ? Side::kLast : high ? Side::kHigh : Side::kLow;
    judgement.whole = low && high;
    if (judgement.whole) {
      judgement.steps = point.steps;
    } else if (low || high) {
      judgement.steps = Share(point, high, judgement.at_end ? 0 : kNoise);
    } else if (judgement.at_end) {
      judgement.steps = std::max(1, point.nonfinite);
    }
    return judgement;
  }

  // What does not hold at the end has to stand out of the noise of the means.
  int64_t Share(const Point& point, bool high, double noise) const {
    double extreme = high ? point.max : point.min, usual = high ? point.min : point.max;
    const SeriesWindow& series = *Own("value");
    size_t before = series.size() > skip_ ? std::min(series.size() - skip_, kUsualPoints) : 0;
    if (before > 0) usual = series.Mean(skip_, before).value_or(usual);
    double reach = extreme - usual;
    double share = (point.mean - usual) / reach - noise * Noise(before) / std::fabs(reach);
    return std::isfinite(share) ? std::clamp<int64_t>(std::llround(share * point.steps - kDoubt), 1, point.steps) : 1;
  }

  // By how much the means of the points before differ from each other, usually.
  double Noise(size_t points) const {
    const SeriesWindow& series = *Own("value");
    std::vector<double> distances;
    for (size_t i = 1; i < points; ++i) {
      distances.push_back(std::fabs(series.at(skip_ + i).mean - series.at(skip_ + i - 1).mean));
    }
    std::erase_if(distances, [](double distance) { return std::isnan(distance); });
    return distances.empty() ? 0 : Median(&distances);
  }

  static void Count(const Judgement& judgement, const Point& point, State* state) {
    if (judgement.steps == 0) {
      state->steps = 0;
      state->points = 0;
      return;
    }
    if (state->points == 0 || (!judgement.whole && judgement.at_end)) {
      // It began inside of this point, or with it.
      state->steps = 0;
      state->points = 0;
      state->since = point.time;
    }
    state->steps += judgement.steps;
    ++state->points;
  }

  // What lasted until the middle of a point counts once, in Lasts, and then no more.
  bool Lasts(const Judgement& judgement, const Point& point, State& state) const {
    if (judgement.steps == 0) return false;
    const Span& wanted = condition_.lasting;
    bool lasts =
        wanted.ns > 0 ? point.time - state.since >= wanted.ns : state.steps >= std::max<int64_t>(1, wanted.steps);
    if (!judgement.at_end) {
      state.steps = 0;
      state.points = 0;
    }
    return lasts;
  }

  // Whether a firing condition has ended: as long as it had to last it has to be gone.
  void Judge(const Judgement& judgement, const Point& point, State* state) {
    bool gone = judgement.steps == 0 && (!resolve_when_ || resolve_when_->Holds(*this, Side::kLast));
    state->off_steps = gone ? state->off_steps + point.steps : 0;
    if (state->off_steps < std::max<int64_t>(1, condition_.lasting.steps)) return;
    state->firing = false;
    state->off_steps = 0;
    listener_->Ends(source_->scope, point.step, point.time);
  }

  void Tell(const model::RecordView& record, const Point& point, Side side) {
    When::Comparison compared = condition_.when.Compared(*this, side);
    Sighting sighting;
    sighting.scope = source_->scope;
    sighting.step = point.step;
    sighting.time = point.time;
    sighting.value = compared.value;
    sighting.threshold = compared.threshold;
    sighting.why = (condition_.metric.empty() ? "" : condition_.metric + ": ") + condition_.when.text();
    if (compared.value) sighting.why += ", it is " + model::NumberText(*compared.value);
    sighting.record = &record;
    listener_->Holds(sighting);
  }

  const SeriesWindow* Own(std::string_view name) const {
    int metric = metric_;
    for (const auto& [known, number] : named_) {
      if (known == name) metric = number;
    }
    return &source_->series[static_cast<size_t>(metric)];
  }

  std::optional<double> Variable(Word word, std::string_view name, Side side) const override {
    const SeriesWindow* series = word == Word::kMetric ? Own(name) : &source_->series[static_cast<size_t>(metric_)];
    if (series->size() == 0) return std::nullopt;
    if (word == Word::kNonfinite) return series->at(0).nonfinite;
    return ValueOf(series->at(0), side);
  }

  const SeriesWindow* Series(std::string_view name, size_t* skip) const override {
    *skip = skip_;
    return Own(name);
  }

  const MetricCondition& condition_;
  const When* resolve_when_;
  const Rule& rule_;
  const RuleSet& rules_;
  Listener* listener_;
  int metric_ = -1;
  std::vector<std::pair<std::string, int>> named_;  // the other metrics of the conditions
  std::vector<State> states_;                       // by slot
  const Source* source_ = nullptr;                  // of the point that is being judged
  size_t skip_ = 1;
};

}  // namespace

WatchPtr MakeMetricWatch(const MetricCondition& condition, const When* resolve_when, const Rule& rule,
                         const RuleSet& rules, Listener* listener, Routes* routes) {
  auto watch = std::make_unique<MetricWatch>(condition, resolve_when, rule, rules, listener);
  if (watch->metric() >= 0) routes->metrics[static_cast<size_t>(watch->metric())].push_back(watch.get());
  return watch;
}

}  // namespace rankscope::detect
