#include "diagnose/actions/hold.h"

#include <algorithm>

#include "model/rank_set.h"

namespace rankscope::diagnose {
namespace {

using base::kNsPerSecond;

constexpr int64_t kFirstMargin = 2;                      // steps: a long one is not waited for in vain
constexpr int kMostRounds = 12;                          // the last margin is of 4,096 steps
constexpr int64_t kAnswerNs = 15 * kNsPerSecond;         // a node with more to do than cores is slow to answer
constexpr int64_t kAnswerOfRaisedNs = 5 * kNsPerSecond;  // where a rank has raised, which waits 15 s with its end
constexpr int64_t kStacksNs = 8 * kNsPerSecond;          // with the answers less than those 15 s
constexpr int64_t kAgentAwayNs = 30 * kNsPerSecond;
constexpr int64_t kGraceNs = 10 * kNsPerSecond;  // of a rank's own limit beyond ours
constexpr uint32_t kUsualTimeoutS = 600;         // NCCL's, where no rank names one
constexpr double kOfTimeout = 0.5;               // a hold is as long at most
constexpr double kOfTimeoutStuck = 0.9;          // nobody is awaited longer that makes no step

}  // namespace

Hold::Hold(ActionReport report, JobRanks ranks, ActionWays ways)
    : ActionRun(std::move(report), std::move(ways)), ranks_(std::move(ranks)) {}

void Hold::Begin(int64_t now_ns) {
  if (!report_.request.finding.empty()) BeginCapture();  // whatever becomes of the rest
  Prepare(ranks_.last_step.value_or(0) + kFirstMargin, now_ns);
}

void Hold::BeginCapture() {
  capturing_ = true;
  ways_.tell(NewOrder(Kind::kStacks));
}

void Hold::Prepare(int64_t step, int64_t now_ns) {
  step_ = step;
  report_.step = step;
  report_.ranks.clear();
  answered_ = 0;
  stage_began_ns_ = now_ns;
  model::JobOrder order = NewOrder(Kind::kPrepare);
  order.step = step;
  agents_ = ways_.tell(order);
  if (agents_ == 0) Finish("refused", "the job is not running: no agent is connected");
}

void Hold::Take(const model::JobAnswer& answer, int64_t now_ns) {
  if (done()) return;
  if (answer.kind == Kind::kStacks) return TakeStacks(answer);
  if (answer.kind == Kind::kPrepare) return TakePrepared(answer, now_ns);
  if (answer.kind != Kind::kHold && answer.kind != Kind::kEnd) return;
  for (const model::RankAnswer& rank : answer.ranks) TakeArrival(rank, now_ns);
  Tick(now_ns);
}

void Hold::TakeArrival(const model::RankAnswer& rank, int64_t now_ns) {
  if (rank.outcome == "raised") return;
  if (rank.outcome != "going") {
    arrivals_.Forget(rank.rank);
    Note(rank);
    if (rank.outcome == "held" && first_held_ns_ == 0) first_held_ns_ = now_ns;
    return;
  }
  if (IsThere(*OutcomeOf(rank.rank))) return;  // it has been said before
  arrivals_.Note(rank, now_ns);
  Note(rank);
}

void Hold::TakeStacks(const model::JobAnswer& answer) {
  for (const model::RankAnswer& rank : answer.ranks) stacks_[rank.rank] = rank.outcome;
}

void Hold::TakePrepared(const model::JobAnswer& answer, int64_t now_ns) {
  if (stage_ != Stage::kPreparing || answer.order_step != step_) return;
  ++answered_;
  for (const model::RankAnswer& rank : answer.ranks) {
    Note(rank);
    arrivals_.Note(rank, now_ns);
    ends_[rank.rank] = rank.end;
    uint32_t timeout = rank.collective_timeout_s;
    if (timeout > 0 && (collective_timeout_s_ == 0 || timeout < collective_timeout_s_)) collective_timeout_s_ = timeout;
  }
  if (answered_ >= agents_) Decide(now_ns);
}

std::string Hold::RanksSaying(const std::string& outcome) const {
  return RanksThatAre([&](const RankOutcome& rank) { return rank.outcome == outcome; });
}

std::string Hold::WhoCannotEnd() const {
  std::string ranks = RanksThatAre([&](const RankOutcome& rank) {
    auto end = ends_.find(rank.rank);
    return end == ends_.end() || end->second == model::RankAnswer::End::kGoesOn;
  });
  if (ranks.empty()) return "";
  return WithVerb(ranks, "does", "do") +
         " not ask whether to end, by rankscope.should_stop() or a hook of Trainer or Lightning";
}

std::string Hold::EndWords() const {
  bool saves = std::all_of(ends_.begin(), ends_.end(),
                           [](const auto& rank) { return rank.second == model::RankAnswer::End::kSaves; });
  return saves ? "save and end" : "end (what is saved is their script's affair)";
}

void Hold::Decide(int64_t now_ns) {
  for (int32_t rank : ranks_.alive) {
    if (RankOutcome* outcome = OutcomeOf(rank); outcome->outcome.empty()) outcome->outcome = "no answer";
  }
  if (report_.ranks.empty()) return Refuse("no rank is there that could be held");
  if (auto ranks = RanksSaying("not_allowed"); !ranks.empty()) {
    return Refuse("the job does not let itself be held (" + ranks +
                  "): `rankscope run --allow-pause`, or rankscope.init(allow_pause=True)");
  }
  raised_ = RanksSaying("raised");
  bool of_a_finding = !report_.request.finding.empty();
  if (raised_.empty() && of_a_finding) raised_ = RanksSaying("no answer");  // it has ended of what was found
  if (!raised_.empty()) return EnterCapturing(now_ns);
  if (auto ranks = RanksSaying("no answer"); !ranks.empty()) return Refuse(ranks + " cannot be asked, so none is held");
  if (auto ranks = RanksSaying("no_step"); !ranks.empty()) {
    return Refuse(WithVerb(ranks, "has", "have") +
                  " told no step between which it could wait (rankscope.set_step, or log with a step)");
  }
  if (auto ranks = RanksSaying("cannot"); !ranks.empty()) return Refuse(ranks + " cannot be held: an older rankscope");
  bool stops = report_.request.action.name == "stop_job";
  if (auto why = WhoCannotEnd(); stops && !why.empty()) return Refuse("none is told to end: " + why);
  if (RanksSaying("late").empty()) return Commit(now_ns);
  if (++round_ > kMostRounds) return Refuse("the ranks are always further than they say: steps are too short");
  int64_t furthest = step_;
  for (const RankOutcome& rank : report_.ranks) furthest = std::max(furthest, rank.step.value_or(furthest));
  Prepare(furthest + (kFirstMargin << round_), now_ns);
}

void Hold::Commit(int64_t now_ns) {
  uint32_t timeout_s = collective_timeout_s_ > 0 ? collective_timeout_s_ : kUsualTimeoutS;
  cap_ns_ = static_cast<int64_t>(kOfTimeout * timeout_s * kNsPerSecond);
  if (report_.request.hold_s > 0) cap_ns_ = std::min(cap_ns_, report_.request.hold_s * kNsPerSecond);
  report_.limit_s = cap_ns_ / kNsPerSecond;
  limit_text_ = LimitText(timeout_s);
  bool stops = report_.request.action.name == "stop_job";
  model::JobOrder order = NewOrder(stops ? Kind::kEnd : Kind::kHold);
  order.step = step_;
  order.limit_ms = static_cast<uint32_t>((cap_ns_ + std::min(kGraceNs, cap_ns_ / 2)) / base::kNsPerMs);
  stage_ = stops ? Stage::kEnding : Stage::kArriving;
  stage_began_ns_ = now_ns;
  patience_ns_ = arrivals_.PatienceNs(static_cast<int64_t>(kOfTimeoutStuck * timeout_s * kNsPerSecond));
  ways_.tell(order);
  SayWhoIsMissing(now_ns);
}

std::string Hold::LimitText(uint32_t timeout_s) const {
  std::string text = SecondsText(cap_ns_) + " at most";
  int64_t asked_ns = report_.request.hold_s * kNsPerSecond;
  if (cap_ns_ == asked_ns) return text + ", as asked";
  text += std::string(" (half of the collectives' ") + (collective_timeout_s_ > 0 ? "" : "usual ") + "timeout, " +
          SecondsText(timeout_s * kNsPerSecond);
  return text + (asked_ns > 0 ? ", though " + SecondsText(asked_ns) + " were asked for)" : ")");
}

void Hold::EnterCapturing(int64_t now_ns) {
  if (!capturing_) BeginCapture();
  stage_ = Stage::kCapturing;
  stage_began_ns_ = now_ns;
}

// The others wait for it in a collective, or will: what they can still do is to end where they get out of it. Until
// then it waits with its end, so that the launcher did not end them before their stacks were taken.
void Hold::EndTheOthers(int64_t now_ns) {
  std::string taken;
  std::set<int32_t> ranks;
  for (const auto& [rank, outcome] : stacks_) {
    if (outcome == "captured") ranks.insert(rank);
  }
  taken = ranks.empty() ? "no stacks could be taken"
                        : std::string("stacks and memory of ") + (ranks.size() == 1 ? "rank " : "ranks ") +
                              model::RankSet(ranks) + " are taken";
  stage_ = Stage::kEnding;
  stage_began_ns_ = now_ns;
  report_.step.reset();
  report_.outcome = "ending";
  report_.summary = WithVerb(raised_, "has", "have") + " raised or ended: " + taken +
                    "; the others are told to end at their next step, and it may end, by which the launcher "
                    "ends those that wait for it";
  ways_.tell(NewOrder(Kind::kEnd));
}

void Hold::Tick(int64_t now_ns) {
  if (done()) return;
  bool all_taken = !stacks_.empty() && std::none_of(stacks_.begin(), stacks_.end(),
                                                    [](const auto& stack) { return stack.second == "asked"; });
  switch (stage_) {
    case Stage::kPreparing:
      if (now_ns - stage_began_ns_ > (RanksSaying("raised").empty() ? kAnswerNs : kAnswerOfRaisedNs)) Decide(now_ns);
      return;
    case Stage::kCapturing:
      if (all_taken || now_ns - stage_began_ns_ > kStacksNs) EndTheOthers(now_ns);
      return;
    case Stage::kArriving:
    case Stage::kHeld:
      LookAtArrivals(now_ns);
      return;
    case Stage::kEnding:
      EndHold(now_ns);
      return;
  }
}

void Hold::WatchAgents(int64_t now_ns) {
  if (ways_.agents() >= agents_) {
    agent_away_ns_ = 0;
    return;
  }
  if (agent_away_ns_ == 0) agent_away_ns_ = now_ns;
  if (now_ns - agent_away_ns_ > kAgentAwayNs) GiveUp("an agent has been away for 30 s, and its ranks go on");
}

void Hold::GiveUp(const std::string& why) {
  ways_.tell(NewOrder(Kind::kGo));
  bool stops = report_.request.action.name == "stop_job";
  Finish("given_up", std::string(stops ? "the end" : "the hold") + " at step " + std::to_string(step_) +
                         " is given up, and all ranks go on: " + why);
}

void Hold::Refuse(const std::string& why) {
  ways_.tell(NewOrder(Kind::kGo));
  Finish("refused", why);
}

void Hold::Release(const std::string& by) {
  bool ends = stage_ == Stage::kEnding && Missing().size() < report_.ranks.size();  // there is no way back
  if (!done() && !ends) Finish("resumed", "resumed" + (by.empty() ? "" : " by " + by));
}

std::unique_ptr<ActionRun> MakeHold(ActionReport report, JobRanks ranks, ActionWays ways) {
  return std::make_unique<Hold>(std::move(report), std::move(ranks), std::move(ways));
}

}  // namespace rankscope::diagnose
