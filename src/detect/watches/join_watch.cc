#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "detect/watches/watch.h"

namespace rankscope::detect {
namespace {

// Who makes a fact hold: several rules may have one class, and several ranks one scope.
struct Holder {
  std::string rule;  // of a finding
  Scope scope;

  bool operator==(const Holder&) const = default;
};

// Of one fact in one scope: when it was so, the latest ones.
class Occurrences {
 public:
  void Begin(base::TimeNs from, base::TimeNs to, const model::RecordView* record) {
    intervals_.push_back({from, to});
    if (intervals_.size() > kMost) intervals_.pop_front();
    if (record) record->CopyTo(&evidence_.emplace());
  }
  // It holds for the holder until End.
  void Hold(const Holder& holder, base::TimeNs from, base::TimeNs to, const model::RecordView* record) {
    if (holding_.empty()) Begin(from, to, record);
    intervals_.back().to = std::max(intervals_.back().to, to);
    if (std::find(holding_.begin(), holding_.end(), holder) == holding_.end()) holding_.push_back(holder);
  }
  void End(const Holder& holder, base::TimeNs time) {
    std::erase(holding_, holder);
    if (!intervals_.empty()) intervals_.back().to = std::max(intervals_.back().to, time);
  }

  bool holds() const { return !holding_.empty(); }
  const std::optional<model::Record>& evidence() const { return evidence_; }
  // How often it was so between `from` and `to`. What holds now has no end.
  int64_t CountBetween(base::TimeNs from, base::TimeNs to) const {
    int64_t count = 0;
    for (const Interval& interval : intervals_) {
      bool open = holds() && &interval == &intervals_.back();
      if ((open || interval.to >= from) && interval.from <= to) ++count;
    }
    return count;
  }
  // The first beginning at or after the time.
  std::optional<base::TimeNs> FirstFrom(base::TimeNs time) const {
    for (const Interval& interval : intervals_) {
      if (interval.from >= time) return interval.from;
    }
    return std::nullopt;
  }
  base::TimeNs latest() const { return intervals_.empty() ? INT64_MIN : intervals_.back().from; }

 private:
  struct Interval {
    base::TimeNs from, to;
  };
  static constexpr size_t kMost = 64;
  std::deque<Interval> intervals_;
  std::vector<Holder> holding_;
  std::optional<model::Record> evidence_;  // of the latest beginning
};

// Facts that hold together within a window of time.
class JoinWatch : public Watch {
 public:
  JoinWatch(const JoinCondition& condition, const Rule& rule, const RuleSet& rules, Listener* listener, Routes* routes)
      : condition_(condition), listener_(listener) {
    for (const auto* facts : {&condition.all_of, &condition.any_of, &condition.none_of, &condition.followed_by}) {
      for (const Fact& fact : *facts) AddFact(fact, rule, rules, routes);
    }
    for (const LikelyCause& cause : condition.likely) {
      for (const auto& shift : cause.shifts) AddFact(shift.fact, rule, rules, routes);
    }
  }

  void Advance(base::TimeNs now) override {
    for (auto pending = pending_.begin(); pending != pending_.end();) {
      auto here = pending++;
      auto& [shared, waiting] = *here;
      if (now - waiting.sighting.time < condition_.lasting.ns) continue;
      waiting.sighting.time = now;
      if (IsTrue(shared, waiting.from, now)) {
        Tell(shared, waiting.from, waiting.sighting);
      }
      pending_.erase(here);
    }
  }

  void TakeFinding(const Finding& finding) override {
    for (auto& ear : ears_) {
      const auto* wanted = std::get_if<FindingCondition>(&ear->fact->condition);
      if (wanted && IsMeant(*wanted, finding)) Hear(*ear, finding);
    }
  }

 private:
  // True since sighting.time, and not told yet.
  struct Pending {
    base::TimeNs from;
    Sighting sighting;
  };

  // Hears of one fact.
  struct Ear : Listener {
    void Holds(const Sighting& sighting) override { join->Note(*this, {"", sighting.scope}, sighting); }
    void Ends(const Scope& scope, std::optional<int64_t> step, base::TimeNs time) override {
      join->End(*this, {"", scope}, step, time);
    }
    JoinWatch* join = nullptr;
    const Fact* fact = nullptr;
    WatchPtr watch;                            // null: a finding
    std::map<Scope, Occurrences> occurrences;  // by the scope that the facts share
  };

  void AddFact(const Fact& fact, const Rule& rule, const RuleSet& rules, Routes* routes) {
    auto ear = std::make_unique<Ear>();
    ear->join = this;
    ear->fact = &fact;
    if (const auto* line = std::get_if<LineCondition>(&fact.condition)) {
      ear->watch = MakeLineWatch(*line, rules, ear.get(), routes);
    } else if (const auto* metric = std::get_if<MetricCondition>(&fact.condition)) {
      ear->watch = MakeMetricWatch(*metric, nullptr, rule, rules, ear.get(), routes);
    }
    by_fact_[&fact] = ear.get();
    ears_.push_back(std::move(ear));
  }

  static bool IsMeant(const FindingCondition& wanted, const Finding& finding) {
    auto has = [](const std::vector<std::string>& names, const std::string& name) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    return has(wanted.rules, finding.rule) || has(wanted.classes, finding.finding_class);
  }

  void Hear(Ear& ear, const Finding& finding) {
    if (!finding.active) return End(ear, {finding.rule, finding.scope}, std::nullopt, finding.ended);
    Sighting sighting;
    sighting.scope = finding.scope;
    sighting.step = finding.step;
    sighting.time = finding.time;
    sighting.value = finding.value;
    sighting.threshold = finding.threshold;
    Note(ear, {finding.rule, finding.scope}, sighting);
  }

  void Note(Ear& ear, const Holder& holder, const Sighting& sighting) {
    Scope shared = Reduced(sighting.scope, condition_.same);
    base::TimeNs from = sighting.looks_back_to.value_or(sighting.time);
    Occurrences& occurrences = ear.occurrences[shared];
    if (std::holds_alternative<LineCondition>(ear.fact->condition)) {
      occurrences.Begin(from, sighting.time, sighting.record);
    } else {
      occurrences.Hold(holder, from, sighting.time, sighting.record);
    }
    if (IsTrue(shared, from, sighting.time)) Hold(shared, from, sighting);
  }

  // Tells at once, or when it has held for long enough.
  void Hold(const Scope& shared, base::TimeNs from, const Sighting& sighting) {
    if (condition_.lasting.ns == 0 || told_.contains(shared)) return Tell(shared, from, sighting);
    auto [pending, is_new] = pending_.try_emplace(shared, Pending{from, sighting});
    pending->second.sighting.record = nullptr;  // it will not live so long
  }

  void End(Ear& ear, const Holder& holder, std::optional<int64_t> step, base::TimeNs time) {
    Scope shared = Reduced(holder.scope, condition_.same);
    ear.occurrences[shared].End(holder, time);
    bool needed = std::any_of(condition_.all_of.begin(), condition_.all_of.end(),
                              [&](const Fact& fact) { return &fact == ear.fact; });
    if (!needed || ear.occurrences[shared].holds()) return;
    pending_.erase(shared);
    if (told_.erase(shared) > 0) ended_[shared] = time;
    listener_->Ends(shared, step, time);
  }

  const Occurrences& Of(const Fact& fact, const Scope& shared) const {
    static const Occurrences kNever;
    const auto& all = by_fact_.at(&fact)->occurrences;
    auto found = all.find(shared);
    return found == all.end() ? kNever : found->second;
  }

  bool Holds(const Fact& fact, const Scope& shared, base::TimeNs from, base::TimeNs to) const {
    return Of(fact, shared).CountBetween(from - condition_.within.ns, to) >= fact.count;
  }

  // What has ended the period before has to hold again: that it did within the window makes no second one.
  bool HoldsAnew(const Fact& fact, const Scope& shared, base::TimeNs from, base::TimeNs to) const {
    auto ended = ended_.find(shared);
    bool lasts = !std::holds_alternative<LineCondition>(fact.condition);
    if (ended == ended_.end() || !lasts) return Holds(fact, shared, from, to);
    base::TimeNs since = std::max(from - condition_.within.ns, ended->second + 1);
    return Of(fact, shared).CountBetween(since, to) >= fact.count;
  }

  bool IsTrue(const Scope& shared, base::TimeNs from, base::TimeNs to) const {
    auto holds = [&](const Fact& fact) { return Holds(fact, shared, from, to); };
    auto anew = [&](const Fact& fact) { return HoldsAnew(fact, shared, from, to); };
    return std::all_of(condition_.all_of.begin(), condition_.all_of.end(), anew) &&
           (condition_.any_of.empty() || std::any_of(condition_.any_of.begin(), condition_.any_of.end(), holds)) &&
           std::none_of(condition_.none_of.begin(), condition_.none_of.end(), holds) && Followed(shared, from);
  }

  // Each began after the one before it.
  bool Followed(const Scope& shared, base::TimeNs from) const {
    base::TimeNs at = from - condition_.within.ns;
    for (const Fact& fact : condition_.all_of) {
      auto first = Of(fact, shared).FirstFrom(from - condition_.within.ns);
      if (first) at = std::max(at, *first);
    }
    for (const Fact& fact : condition_.followed_by) {
      auto next = Of(fact, shared).FirstFrom(at);
      if (!next) return false;
      at = *next;
    }
    return true;
  }

  void Tell(const Scope& shared, base::TimeNs from, const Sighting& last) {
    told_.insert(shared);
    Sighting sighting = last;
    sighting.scope = shared;
    sighting.likely = Likely(shared, from, last.time);
    for (const auto* facts : {&condition_.all_of, &condition_.any_of, &condition_.followed_by}) {
      for (const Fact& fact : *facts) {
        if (!Holds(fact, shared, from, last.time)) continue;
        if (const auto& evidence = Of(fact, shared).evidence()) sighting.further.push_back(*evidence);
        Append(fact.text, &sighting.why, facts == &condition_.all_of && &fact == &facts->front());
      }
    }
    sighting.record = nullptr;  // it is among them
    listener_->Holds(sighting);
  }

  static void Append(const std::string& text, std::string* why, bool first) {
    if (first) why->clear();
    *why += (why->empty() ? "" : "; ") + text;
  }

  std::vector<Cause> Likely(const Scope& shared, base::TimeNs from, base::TimeNs to) const {
    std::vector<Cause> causes;
    for (const LikelyCause& likely : condition_.likely) {
      Cause cause{likely.cause, likely.probability, likely.why};
      for (const auto& shift : likely.shifts) {
        if (!Holds(shift.fact, shared, from, to)) continue;
        cause.probability += shift.by;
        cause.why += (shift.by > 0 ? "; for it: " : "; against it: ") + shift.fact.text;
      }
      cause.probability = std::clamp(cause.probability, 0.0, 1.0);
      causes.push_back(std::move(cause));
    }
    return causes;
  }

  const JoinCondition& condition_;
  Listener* listener_;
  std::vector<std::unique_ptr<Ear>> ears_;
  std::map<const Fact*, Ear*> by_fact_;
  std::map<Scope, Pending> pending_;  // by the scope that the facts share
  std::set<Scope> told_;
  std::map<Scope, base::TimeNs> ended_;  // when the latest period was over
};

}  // namespace

WatchPtr MakeJoinWatch(const JoinCondition& condition, const Rule& rule, const RuleSet& rules, Listener* listener,
                       Routes* routes) {
  auto watch = std::make_unique<JoinWatch>(condition, rule, rules, listener, routes);
  routes->findings.push_back(watch.get());
  if (condition.lasting.ns > 0) routes->ticks.push_back(watch.get());
  return watch;
}

}  // namespace rankscope::detect
