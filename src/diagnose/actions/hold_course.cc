// A hold that all ranks have agreed to: how they get there, wait, and end.
#include <algorithm>

#include "diagnose/actions/hold.h"

namespace rankscope::diagnose {
namespace {

using base::kNsPerSecond;

constexpr int64_t kMissedAfterNs = 10 * kNsPerSecond;  // that one rank waits and another does not
constexpr int64_t kSayMissingNs = kNsPerSecond;
constexpr int64_t kEndingNs = 30 * kNsPerSecond;

}  // namespace

void Hold::LookAtArrivals(int64_t now_ns) {
  if (auto ranks = RanksSaying("ended"); !ranks.empty()) return GiveUp(ranks + " ended");
  if (auto ranks = RanksSaying("left"); !ranks.empty()) return GiveUp(ranks + " went on by itself");
  bool all = RanksSaying("held").size() > 0 && Missing().empty();
  if (all && stage_ == Stage::kArriving) EnterHeld();
  if (all && now_ns - first_held_ns_ > cap_ns_) return EndAtLimit(now_ns);
  if (!all) AwaitTheMissing(now_ns);
  if (!done()) WatchAgents(now_ns);
}

void Hold::EnterHeld() {
  stage_ = Stage::kHeld;
  report_.state = report_.outcome = "held";
  std::string cannot = WhoCannotEnd();
  report_.summary = RanksSaying("held") + " wait at step " + std::to_string(step_) + ", for " + SecondsText(cap_ns_) +
                    " at most; then they " + (cannot.empty() ? EndWords() : "go on: " + cannot);
}

void Hold::EndAtLimit(int64_t now_ns) {
  bool as_asked = cap_ns_ == report_.request.hold_s * kNsPerSecond;
  std::string after = "after " + SecondsText(cap_ns_) + (as_asked ? ", as asked" : ", so that no collective times out");
  if (auto why = WhoCannotEnd(); !why.empty()) return GiveUp(after + "; " + why);
  stage_ = Stage::kEnding;
  stage_began_ns_ = now_ns;
  report_.state = "running";
  report_.outcome = "ending";
  report_.summary = after + ", all ranks " + EndWords() + " at step " + std::to_string(step_);
  model::JobOrder order = NewOrder(Kind::kEnd);
  order.step = step_;
  ways_.tell(order);
}

void Hold::AwaitTheMissing(int64_t now_ns) {
  std::set<int32_t> missing = Missing();
  bool too_long = first_held_ns_ != 0 && now_ns - first_held_ns_ > cap_ns_;
  if (too_long || IsStuck(now_ns)) {
    return GiveUp(RanksThatAre([&](const RankOutcome& rank) { return missing.contains(rank.rank); }) +
                  " never came: " + arrivals_.Describe(missing, now_ns) + StepText());
  }
  NameTheStuck(now_ns);
  if (now_ns - said_missing_ns_ >= kSayMissingNs) SayWhoIsMissing(now_ns);
}

bool Hold::IsThere(const RankOutcome& rank) const {
  if (stage_ != Stage::kEnding) return rank.outcome == "held";
  return rank.outcome == "ending" || rank.outcome == "ended" || rank.outcome == "raised";
}

std::set<int32_t> Hold::Missing() const {
  std::set<int32_t> missing;
  for (const RankOutcome& rank : report_.ranks) {
    if (!IsThere(rank)) missing.insert(rank.rank);
  }
  return missing;
}

bool Hold::IsStuck(int64_t now_ns) const { return !arrivals_.AtOneStepFor(patience_ns_, now_ns).empty(); }

std::string Hold::StepText() const {
  return arrivals_.step_ns() == 0 ? "" : " (a step usually takes " + SecondsText(arrivals_.step_ns()) + ")";
}

void Hold::SayWhoIsMissing(int64_t now_ns) {
  said_missing_ns_ = now_ns;
  std::string there = RanksThatAre([this](const RankOutcome& rank) { return IsThere(rank); });
  report_.summary = "all ranks are to " + (stage_ == Stage::kEnding ? EndWords() : std::string("wait")) + " at step " +
                    std::to_string(step_) + ", and have agreed; there: " + (there.empty() ? "none yet" : there) +
                    "; on the way: " + arrivals_.Describe(Missing(), now_ns) +
                    "; given up once a rank has made no step for " + SecondsText(patience_ns_) + StepText();
}

// Each once, as soon as one is notably late; and once more people have been told of one, the report says so.
void Hold::NameTheStuck(int64_t now_ns) {
  std::set<int32_t> late = arrivals_.AtOneStepFor(arrivals_.NotableNs(), now_ns), missing = Missing();
  if (first_held_ns_ != 0 && now_ns - first_held_ns_ > std::min(kMissedAfterNs, cap_ns_ / 2)) late = missing;
  bool news = false;
  for (RankOutcome& rank : report_.ranks) {
    if (!missing.contains(rank.rank) || !late.contains(rank.rank) || !named_.insert(rank.rank).second) continue;
    news = true;
    rank.outcome = "not arrived";
    rank.detail = arrivals_.Describe({rank.rank}, now_ns) + StepText();
    ways_.record(rank);
  }
  if (!news) return;
  report_.outcome = "incomplete";
  SayWhoIsMissing(now_ns);
}

void Hold::EndHold(int64_t now_ns) {
  std::set<int32_t> missing = Missing();
  if (missing.empty()) return Finish("stopped", Ended());
  bool waits_for_step = report_.request.action.name == "stop_job" && raised_.empty();
  if (waits_for_step && !IsStuck(now_ns)) {
    NameTheStuck(now_ns);
    if (now_ns - said_missing_ns_ >= kSayMissingNs) SayWhoIsMissing(now_ns);
    return;
  }
  if (!waits_for_step && now_ns - stage_began_ns_ <= kEndingNs) return;
  std::string going = RanksThatAre([&](const RankOutcome& rank) { return missing.contains(rank.rank); });
  if (waits_for_step && missing.size() == report_.ranks.size()) {
    return GiveUp(going + " never came: " + arrivals_.Describe(missing, now_ns) + StepText());
  }
  Finish(raised_.empty() ? "incomplete" : "stopped", report_.summary + "; " + going + " did not say so");
}

// What came of it, in the end.
std::string Hold::Ended() const {
  bool asked = report_.request.action.name == "stop_job" && raised_.empty();
  return asked ? "all ranks " + EndWords() + " at step " + std::to_string(step_) : report_.summary;
}

}  // namespace rankscope::diagnose
