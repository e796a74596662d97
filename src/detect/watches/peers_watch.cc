#include <algorithm>
#include <cmath>
#include <map>

#include "detect/detectors/statistics.h"
#include "detect/watches/watch.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

// However many steps a record is of: among few peers any of them is far from the others once in a while.
constexpr int64_t kFewestRecords = 3;
constexpr size_t kMostNamed = 4;

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

  // What the odd ones of the step before say now: few records are worth a copy.
  void TakePoint(const Source& source, int metric, const model::RecordView& record) override {
    if (source.slot >= states_.size()) return;
    State& state = states_[source.slot];
    if (state.steps > 0 && source.series[static_cast<size_t>(metric)].at(0).step)
      record.CopyTo(&state.record.emplace());
  }

  void TakeStep(const StepRow& row, const Point&, const model::RecordView&) override {
    std::map<int64_t, std::vector<const RankPoint*>> groups;
    const int64_t world = WorldOf(row);
    for (const RankPoint& each : row.points) {
      bool counts = each.source->scope.rank && std::isfinite(each.point.mean) && each.steps_seen > rule_.warmup_steps &&
                    !(rule_.ignore_disturbed && each.point.disturbed);
      if (counts) groups[GroupOf(*each.source, world)].push_back(&each);
    }
    for (const auto& [number, group] : groups) JudgeGroup(group);
  }

 private:
  struct State {
    int64_t steps = 0, records = 0;  // for which it has been the odd one
    int64_t since = 0;               // its first step
    int32_t rank = 0;
    bool holds = false;
    std::optional<model::Record> record;  // of the latest odd step but the first
  };

  static int64_t WorldOf(const StepRow& row) {
    int64_t world = 0;
    for (const RankPoint& each : row.points) {
      if (each.source->scope.rank) world = std::max<int64_t>(world, *each.source->scope.rank + 1);
    }
    return world;
  }

  int64_t GroupOf(const Source& source, int64_t world) const {
    switch (condition_.group) {
      case Peers::kJob:
        return 0;
      case Peers::kNode:
        return source.scope.node_rank.value_or(-1);
      case Peers::kDataParallel:
        return source.training->parallelism.GroupOf(*source.scope.rank, world);
    }
    return 0;
  }

  void JudgeGroup(const std::vector<const RankPoint*>& group) {
    if (static_cast<int64_t>(group.size()) < condition_.min_peers) return;
    std::vector<double> values;
    values.reserve(group.size());
    for (const RankPoint* entry : group) values.push_back(entry->point.mean);
    Standing standing;
    standing.peers = group.size();
    standing.median = Median(&values);
    standing.deviation = MedianDeviation(standing.median, &values);
    std::vector<const RankPoint*> odd;
    for (const RankPoint* entry : group) {
      standing.value = entry->point.mean;
      if (condition_.when.Holds(standing, Side::kLast)) odd.push_back(entry);
    }
    size_t most = std::max<size_t>(1, static_cast<size_t>(condition_.max_fraction * static_cast<double>(group.size())));
    // Too many: it is the group that moved, but for those who had left it before.
    if (odd.size() > most) std::erase_if(odd, [this](const RankPoint* entry) { return !Holds(*entry); });
    for (const RankPoint* entry : group) {
      Count(*entry, std::find(odd.begin(), odd.end(), entry) != odd.end(), standing.median);
    }
  }

  bool Holds(const RankPoint& entry) const {
    return entry.source->slot < states_.size() && states_[entry.source->slot].holds;
  }

  // Who left before the rank did: the first one is where to look.
  std::string Order(const State& own) const {
    std::vector<const State*> before;
    for (const State& state : states_) {
      if (state.steps > 0 && state.since < own.since) before.push_back(&state);
    }
    std::sort(before.begin(), before.end(), [](const State* a, const State* b) { return a->since < b->since; });
    std::string order = ", odd since step " + std::to_string(own.since);
    for (size_t i = 0; i < std::min(before.size(), kMostNamed); ++i) {
      order += (i == 0 ? ", after rank " : ", rank ") + std::to_string(before[i]->rank) + " (step " +
               std::to_string(before[i]->since) + ")";
    }
    return order;
  }

  void Count(const RankPoint& entry, bool odd, double median) {
    size_t slot = entry.source->slot;
    if (slot >= states_.size()) states_.resize(slot + 1);
    State& state = states_[slot];
    if (!odd) {
      if (state.holds) listener_->Ends(entry.source->scope, entry.point.step, entry.point.time);
      state = {};
      return;
    }
    if (state.steps == 0) state.since = *entry.point.step;
    state.rank = *entry.source->scope.rank;
    state.steps += entry.point.steps;
    ++state.records;
    bool lasts = state.steps >= condition_.lasting.steps;
    if (!lasts || state.records < std::min(kFewestRecords, condition_.lasting.steps)) return;
    state.holds = true;
    Sighting sighting;
    sighting.scope = entry.source->scope;
    sighting.step = entry.point.step;
    sighting.time = entry.point.time;
    sighting.value = entry.point.mean;
    sighting.threshold = median;
    sighting.why = condition_.metric + " " + model::NumberText(entry.point.mean) + ", the median of its peers is " +
                   model::NumberText(median) + Order(state);
    if (state.record) sighting.further.push_back(*state.record);
    listener_->Holds(sighting);
  }

  const PeersCondition& condition_;
  const Rule& rule_;
  Listener* listener_;
  std::vector<State> states_;  // by slot
};

}  // namespace

WatchPtr MakePeersWatch(const PeersCondition& condition, const Rule& rule, const RuleSet& rules, Listener* listener,
                        Routes* routes) {
  auto watch = std::make_unique<PeersWatch>(condition, rule, listener);
  auto metric = static_cast<size_t>(rules.MetricNumber(condition.metric));
  routes->metrics[metric].push_back(watch.get());
  routes->steps[metric].push_back(watch.get());
  return watch;
}

}  // namespace rankscope::detect
