#include <algorithm>
#include <cmath>
#include <map>

#include "detect/statistics.h"
#include "detect/watch.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

// A step is judged at the latest when so many later ones have come: some rank does not report it.
constexpr size_t kMostOpenSteps = 8;
// However many steps a record is of: among few peers any of them is far from the others once in a while.
constexpr int64_t kFewestRecords = 3;

// One rank's number among those of its peers.
class Standing : public Surroundings {
 public:
  double value = 0, median = 0, deviation = 0;
  size_t peers = 0;

  std::optional<double> Variable(Word word, std::string_view, Side) const override {
    switch (word) {
      case Word::kValue:
        return value;
      case Word::kMedian:
        return median;
      case Word::kMad:
        return deviation;
      case Word::kRobustZ:
        return RobustZ(value, median, deviation);
      case Word::kRelDev:
        return (value - median) / std::max(std::fabs(median), 1e-300);
      default:
        return static_cast<double>(peers);
    }
  }
  const SeriesWindow* Series(std::string_view, size_t*) const override { return nullptr; }
};

// Compares the ranks step by step, once all of them have reported the step.
class PeersWatch : public Watch {
 public:
  PeersWatch(const PeersCondition& condition, const Rule& rule, Listener* listener)
      : condition_(condition), rule_(rule), listener_(listener) {}

  void TakePoint(const Source& source, int metric, const model::RecordView& record) override {
    const SeriesWindow& series = source.series[static_cast<size_t>(metric)];
    const Point& point = series.at(0);
    bool counts = point.step && source.scope.rank && std::isfinite(point.mean) &&
                  series.steps_seen() > rule_.warmup_steps && !(rule_.ignore_disturbed && point.disturbed);
    if (!counts) return;
    if (*point.step <= judged_) {
      if (*point.step + point.steps > judged_) return;  // too late
      open_.clear();                                    // the job went back to a checkpoint
      judged_ = *point.step - 1;
    }
    Row& row = open_[*point.step];
    row.push_back({source.slot, source.scope, point, std::nullopt});
    // Judged like the step before: few records are worth a copy.
    last_.value = point.mean;
    if (last_.peers > 0 && condition_.when.Holds(last_, Side::kLast)) record.CopyTo(&row.back().record.emplace());
    while (!open_.empty() && IsComplete()) JudgeOldest();
  }

 private:
  struct Entry {
    size_t slot;
    Scope scope;
    Point point;
    std::optional<model::Record> record;
  };
  using Row = std::vector<Entry>;
  struct State {
    int64_t steps = 0, records = 0;  // for which it has been the odd one
    bool holds = false;
  };

  bool IsComplete() const {
    const Row& oldest = open_.begin()->second;
    return (expected_ > 0 && oldest.size() >= expected_) || open_.size() > kMostOpenSteps;
  }

  void JudgeOldest() {
    auto oldest = open_.extract(open_.begin());
    judged_ = oldest.key();
    expected_ = oldest.mapped().size();
    std::map<int32_t, std::vector<const Entry*>> groups;
    for (const Entry& entry : oldest.mapped()) {
      groups[condition_.by_node ? entry.scope.node_rank.value_or(-1) : 0].push_back(&entry);
    }
    for (const auto& [node, group] : groups) JudgeGroup(group);
  }

  void JudgeGroup(const std::vector<const Entry*>& group) {
    if (static_cast<int64_t>(group.size()) < condition_.min_peers) return;
    std::vector<double> values;
    values.reserve(group.size());
    for (const Entry* entry : group) values.push_back(entry->point.mean);
    Standing standing;
    standing.peers = group.size();
    standing.median = Median(&values);
    standing.deviation = MedianDeviation(standing.median, &values);
    last_ = standing;
    std::vector<const Entry*> odd;
    for (const Entry* entry : group) {
      standing.value = entry->point.mean;
      if (condition_.when.Holds(standing, Side::kLast)) odd.push_back(entry);
    }
    size_t most = std::max<size_t>(1, static_cast<size_t>(condition_.max_fraction * static_cast<double>(group.size())));
    if (odd.size() > most) odd.clear();
    for (const Entry* entry : group) {
      Count(*entry, std::find(odd.begin(), odd.end(), entry) != odd.end(), standing.median);
    }
  }

  void Count(const Entry& entry, bool odd, double median) {
    if (entry.slot >= states_.size()) states_.resize(entry.slot + 1);
    State& state = states_[entry.slot];
    if (!odd) {
      if (state.holds) listener_->Ends(entry.scope, entry.point.step, entry.point.time);
      state = {};
      return;
    }
    state.steps += entry.point.steps;
    ++state.records;
    bool lasts = state.steps >= condition_.lasting.steps;
    if (!lasts || state.records < std::min(kFewestRecords, condition_.lasting.steps)) return;
    state.holds = true;
    Sighting sighting;
    sighting.scope = entry.scope;
    sighting.step = entry.point.step;
    sighting.time = entry.point.time;
    sighting.value = entry.point.mean;
    sighting.threshold = median;
    sighting.why = condition_.metric + " " + model::NumberText(entry.point.mean) + ", the median of its peers is " +
                   model::NumberText(median);
    if (entry.record) sighting.further.push_back(*entry.record);
    listener_->Holds(sighting);
  }

  const PeersCondition& condition_;
  const Rule& rule_;
  Listener* listener_;
  std::map<int64_t, Row> open_;  // by step
  int64_t judged_ = INT64_MIN;   // the last step that was
  size_t expected_ = 0;          // ranks that reported it
  Standing last_;                // of the group judged last
  std::vector<State> states_;    // by slot
};

}  // namespace

WatchPtr MakePeersWatch(const PeersCondition& condition, const Rule& rule, const RuleSet& rules, Listener* listener,
                        Routes* routes) {
  auto watch = std::make_unique<PeersWatch>(condition, rule, listener);
  routes->metrics[static_cast<size_t>(rules.MetricNumber(condition.metric))].push_back(watch.get());
  return watch;
}

}  // namespace rankscope::detect
