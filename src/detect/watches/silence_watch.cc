#include <algorithm>
#include <cmath>

#include "detect/scanner.h"
#include "detect/watches/watch.h"

namespace rankscope::detect {
namespace {

// Before so many steps everything takes longer than usual: loading, compiling; but not for ever.
constexpr int kStepsBefore = 10;
constexpr int64_t kLongestStart = 3600 * base::kNsPerSecond;
// But a run that has told so many losses trains already, and nothing takes so many times the longest gap so far.
constexpr int kLossesOfTraining = 3;
constexpr double kOfEarlyGaps = 100;
constexpr int64_t kFirstGaps = 5;
// An evaluation or a checkpoint may take so long.
constexpr int64_t kLongestPause = 1800 * base::kNsPerSecond;
// What a run has survived once it may survive again, and a little more of it.
constexpr double kLikeBefore = 1.5;
// The longest gap counts as usual for about so long.
constexpr double kMemoryNs = 600e9;

// How long it usually takes until something comes again: the longest gap, which fades.
class Rhythm {
 public:
  static constexpr base::TimeNs kNever = INT64_MIN / 2;

  // `step`: that it is the first record of; nothing: it is only a word.
  void Beat(base::TimeNs time, std::optional<int64_t> step, const Training& training) {
    if (training.paused_at != pause_) steps_since_pause_ = 0;
    pause_ = training.paused_at;
    if (step) {
      ++steps_since_pause_;
      stride_ = std::max<int64_t>(1, *step - std::exchange(step_, *step));
    }
    bool held = training.pause.Touches(last_, time);
    if (last_ != kNever && time > last_ && !held) Learn(static_cast<double>(time - last_));
    last_ = std::max(last_, time);
  }
  base::TimeNs last() const { return last_; }
  base::TimeNs Deadline(const SilenceCondition& condition, const Training& training) const {
    double usual = usual_ > 0 ? usual_ : longest_;
    int64_t patience = std::max({condition.at_least.ns, static_cast<int64_t>(condition.times * usual), Survived()});
    if (training.paused_at == INT64_MIN) patience = std::max(patience, condition.unspoken.ns);
    bool paused = training.paused_at != pause_ || IsInPause();
    // It has to be this one's pause: nobody has gone on without it since.
    bool near = training.paused_at >= last_ - kAround && training.paused_step <= step_ + kRecordsAhead * stride_;
    if (paused && near) patience = std::max(patience, kLongestPause);
    return std::max(last_, training.pause.released_at()) + patience;
  }
  // Of a run of few steps.
  base::TimeNs EarlyDeadline(bool trains) const {
    const int64_t longest = static_cast<int64_t>(std::min(1.0 * kLongestStart, kOfEarlyGaps * longest_));
    return last_ + (trains ? longest : kLongestStart);
  }

 private:
  // Whoever trains may say his last word a moment after another one spoke of the pause.
  static constexpr int64_t kAround = 30 * base::kNsPerSecond;
  static constexpr int kStepsOfTraining = 3;
  static constexpr int64_t kRecordsAhead = 2;

  int64_t Survived() const { return std::min(kLongestPause, static_cast<int64_t>(kLikeBefore * survived_)); }
  bool IsInPause() const { return pause_ >= last_ - kAround && steps_since_pause_ < kStepsOfTraining; }

  // The first gaps (loading, compiling) are no usual ones, nor are those of an evaluation or a checkpoint; but where
  // there are no others, they count.
  void Learn(double gap) {
    longest_ = std::max(gap, longest_ * std::exp(-gap / kMemoryNs));
    if (++gaps_ <= kFirstGaps || IsInPause()) return;
    usual_ = std::max(gap, usual_ * std::exp(-gap / kMemoryNs));
    survived_ = std::max(gap, survived_);
  }

  base::TimeNs last_ = kNever, pause_ = INT64_MIN;
  double usual_ = 0, longest_ = 0, survived_ = 0;
  int64_t gaps_ = 0, steps_since_pause_ = 0;
  int64_t step_ = 0, stride_ = 1;  // the latest, and how many after the one before
};

Sighting SilenceOf(const Scope& scope, base::TimeNs last, base::TimeNs deadline, std::string_view what) {
  Sighting sighting;
  sighting.scope = scope;
  sighting.time = deadline;
  sighting.looks_back_to = last;
  sighting.value = static_cast<double>(deadline - last) / base::kNsPerSecond;
  sighting.threshold = sighting.value;
  sighting.why = "no " + std::string(what) + " for " + SpanText({.steps = 0, .ns = deadline - last});
  return sighting;
}

bool IsEvent(const model::RecordView& record, std::string_view name) {
  const model::FieldView* event = record.stream == model::Stream::kEvent ? record.FindField("event") : nullptr;
  return event && event->text == name;
}

// A clock that is ahead of everybody's is not believed.
base::TimeNs HeardAt(const Source& source, const model::RecordView& record) {
  return std::min(record.time, source.training->now);
}

// A rank of which no record comes any more, although it has not ended, while others go on. Where all are silent the
// rank whose time is over first is so by chance, and nothing singles it out: that nobody makes a step is said of the
// job.
class RankSilence : public Watch {
 public:
  RankSilence(const SilenceCondition& condition, Listener* listener) : condition_(condition), listener_(listener) {}

  void TakeRecord(const Source& source, const model::RecordView& record) override {
    if (!source.scope.rank || record.stream == model::Stream::kGpu) return;
    if (source.slot >= states_.size()) states_.resize(source.slot + 1);
    State& state = states_[source.slot];
    state.source = &source;
    bool steps = record.step && *record.step != state.step;
    state.rhythm.Beat(HeardAt(source, record), steps ? record.step : std::nullopt, *source.training);
    if (steps) ++state.steps;
    if (record.step) state.step = *record.step;
    state.ended = IsEvent(record, "rank_exit");
    state.last_step = record.step ? record.step : state.last_step;
    if (!state.silent) return;
    state.silent = false;
    listener_->Ends(source.scope, record.step, record.time);
  }

  void Advance(base::TimeNs now) override {
    const Speakers speakers = FindSpeakers();
    for (State& state : states_) {
      if (!state.source || state.ended || state.silent || state.steps < kStepsBefore) continue;
      const Training& training = *state.source->training;
      if (training.superseded || training.pause.IsOn(now)) continue;
      base::TimeNs deadline = state.rhythm.Deadline(condition_, training);
      if (now < deadline || !IsAlone(state, deadline, speakers)) continue;
      state.silent = true;
      Sighting sighting = SilenceOf(state.source->scope, state.rhythm.last(), deadline, "record");
      sighting.step = state.last_step;
      listener_->Holds(sighting);
    }
  }

 private:
  struct State {
    const Source* source = nullptr;
    Rhythm rhythm;
    int64_t step = INT64_MIN;
    int steps = 0;
    bool ended = false, silent = false;
    std::optional<int64_t> last_step;

    bool goes_on() const { return source && !ended; }
  };
  // Of the ranks that go on: who spoke last, when the last of the others did, and how many have made steps.
  struct Speakers {
    const State* last = nullptr;
    base::TimeNs latest = Rhythm::kNever, latest_of_others = Rhythm::kNever;
    int stepping = 0;
  };

  Speakers FindSpeakers() const {
    Speakers speakers;
    for (const State& state : states_) {
      if (!state.goes_on()) continue;
      if (state.steps >= kStepsBefore) ++speakers.stepping;
      base::TimeNs latest = state.rhythm.last();
      if (latest > speakers.latest) {
        speakers.latest_of_others = std::exchange(speakers.latest, latest);
        speakers.last = &state;
      } else {
        speakers.latest_of_others = std::max(speakers.latest_of_others, latest);
      }
    }
    return speakers;
  }

  // Whether it, which has made steps, is silent by itself: another rank has spoken since, or there is none.
  static bool IsAlone(const State& silent, base::TimeNs deadline, const Speakers& speakers) {
    base::TimeNs since = deadline - (deadline - silent.rhythm.last()) / 2;
    base::TimeNs other = &silent == speakers.last ? speakers.latest_of_others : speakers.latest;
    return other > since || speakers.stepping == 1;
  }

  const SilenceCondition& condition_;
  Listener* listener_;
  std::vector<State> states_;  // by slot
};

// Which ranks go on: those that have spoken, until they end.
class GoingRanks {
 public:
  void Take(const Source& source, const model::RecordView& record) {
    if (!source.scope.rank || record.stream == model::Stream::kGpu) return;
    if (source.slot >= goes_on_.size()) goes_on_.resize(source.slot + 1);
    const bool ends = IsEvent(record, "rank_exit");
    count_ += static_cast<int>(!ends) - static_cast<int>(goes_on_[source.slot]);
    goes_on_[source.slot] = !ends;
    has_ended_ = has_ended_ || ends;
  }
  void BeginStep() { has_ended_ = false; }
  // One that is left may have work to do behind the last step.
  bool AreDone() const { return has_ended_ && count_ < 2; }

 private:
  std::vector<bool> goes_on_;  // by slot
  int count_ = 0;
  bool has_ended_ = false;  // any, since the last step
};

// No rank makes a step any more, although records come.
class StepSilence : public Watch {
 public:
  StepSilence(const SilenceCondition& condition, Listener* listener) : condition_(condition), listener_(listener) {}

  void TakeRecord(const Source& source, const model::RecordView& record) override {
    training_ = source.training;
    if (IsEvent(record, "job_end")) ended_ = true;
    ranks_.Take(source, record);
    CountLoss(record);
    if (!record.step || (steps_ > 0 && *record.step <= step_)) return;
    step_ = *record.step;
    ++steps_;
    ended_ = false;
    ranks_.BeginStep();
    rhythm_.Beat(HeardAt(source, record), record.step, *training_);
    if (!silent_) return;
    silent_ = false;
    listener_->Ends({}, record.step, record.time);
  }

  void Advance(base::TimeNs now) override {
    const bool over = ended_ || ranks_.AreDone();
    if (steps_ == 0 || over || silent_ || training_->superseded || training_->pause.IsOn(now)) return;
    base::TimeNs deadline = rhythm_.Deadline(condition_, *training_);
    if (steps_ < kStepsBefore) deadline = std::max(deadline, rhythm_.EarlyDeadline(losses_ >= kLossesOfTraining));
    if (now < deadline) return;
    silent_ = true;
    Sighting sighting = SilenceOf({}, rhythm_.last(), deadline, "step of any rank");
    sighting.step = step_;
    listener_->Holds(sighting);
  }

 private:
  // Bars, under which weights are loaded and data is mapped, tell steps, too.
  void CountLoss(const model::RecordView& record) {
    if (losses_ == kLossesOfTraining || !record.step || *record.step == loss_step_ || !record.FindField("loss")) return;
    loss_step_ = record.step;
    ++losses_;
  }

  const SilenceCondition& condition_;
  Listener* listener_;
  const Training* training_ = nullptr;
  Rhythm rhythm_;
  GoingRanks ranks_;
  int64_t step_ = 0;
  int steps_ = 0, losses_ = 0;
  std::optional<int64_t> loss_step_;
  bool ended_ = false, silent_ = false;
};

}  // namespace

WatchPtr MakeSilenceWatch(const SilenceCondition& condition, Listener* listener, Routes* routes) {
  WatchPtr watch;
  if (condition.steps) {
    watch = std::make_unique<StepSilence>(condition, listener);
  } else {
    watch = std::make_unique<RankSilence>(condition, listener);
  }
  routes->records.push_back(watch.get());
  routes->ticks.push_back(watch.get());
  return watch;
}

}  // namespace rankscope::detect
