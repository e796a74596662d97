#pragma once

#include <map>
#include <set>

#include "diagnose/actions/action_run.h"
#include "diagnose/actions/arrivals.h"

namespace rankscope::diagnose {

// All ranks wait before one step that none of them has begun, until somebody resumes the job; or they end there.
//
//   preparing ─▶ arriving ─▶ held ─▶ done (resumed)
//       │            │         └─────▶ ending ─▶ done (stopped): the hold was as long as it may be
//       │            └─▶ done (given up: a rank is gone, went on by itself, makes no step any more, or never came)
//       ├─▶ done (refused: a rank cannot be held or end, or the job does not allow it)
//       └─▶ capturing ─▶ ending: a rank has raised, so that the others can only end
//
// The step is the greatest that a rank has told, and a margin, which doubles as long as a rank is there already. While
// ranks are on their way the summary says once a second who is there and where the others are; nobody waits for a rank
// that is stuck (Arrivals). Where a rank cannot end, all go on instead.
class Hold : public ActionRun {
 public:
  Hold(ActionReport report, JobRanks ranks, ActionWays ways);

  void Begin(int64_t now_ns) override;
  void Take(const model::JobAnswer& answer, int64_t now_ns) override;
  void Tick(int64_t now_ns) override;
  void Release(const std::string& by) override;

 private:
  enum class Stage { kPreparing, kCapturing, kArriving, kHeld, kEnding };
  using Kind = model::JobOrder::Kind;

  void Prepare(int64_t step, int64_t now_ns);
  void TakePrepared(const model::JobAnswer& answer, int64_t now_ns);
  void TakeStacks(const model::JobAnswer& answer);
  void Decide(int64_t now_ns);
  void Commit(int64_t now_ns);
  void BeginCapture();
  void EnterCapturing(int64_t now_ns);
  void EndTheOthers(int64_t now_ns);
  void TakeArrival(const model::RankAnswer& rank, int64_t now_ns);
  void LookAtArrivals(int64_t now_ns);
  void AwaitTheMissing(int64_t now_ns);
  void SayWhoIsMissing(int64_t now_ns);
  void NameTheStuck(int64_t now_ns);
  void EnterHeld();
  void EndAtLimit(int64_t now_ns);
  void EndHold(int64_t now_ns);
  bool IsStuck(int64_t now_ns) const;
  std::set<int32_t> Missing() const;
  std::string StepText() const;
  // How long ranks wait at most, and why no longer.
  std::string LimitText(uint32_t timeout_s) const;
  std::string Ended() const;
  // "save and end", as far as the ranks have said what they do.
  std::string EndWords() const;
  // Whose loop does not ask whether to end, in words; empty: each does.
  std::string WhoCannotEnd() const;
  // Whether it is where all are to be.
  bool IsThere(const RankOutcome& rank) const;
  void WatchAgents(int64_t now_ns);
  void GiveUp(const std::string& why);
  void Refuse(const std::string& why);
  std::string RanksSaying(const std::string& outcome) const;

  const JobRanks ranks_;
  Stage stage_ = Stage::kPreparing;
  int64_t stage_began_ns_ = 0;
  int agents_ = 0, answered_ = 0, round_ = 0;
  int64_t step_ = 0;
  int64_t first_held_ns_ = 0, agent_away_ns_ = 0;
  int64_t cap_ns_ = 0;
  std::string limit_text_;
  uint32_t collective_timeout_s_ = 0;  // the shortest that a rank names; 0: none does
  bool capturing_ = false;
  Arrivals arrivals_;
  std::map<int32_t, model::RankAnswer::End> ends_;  // what each rank does where it is told to end
  std::set<int32_t> named_;                         // as stuck
  int64_t said_missing_ns_ = 0, patience_ns_ = 0;
  std::map<int32_t, std::string> stacks_;  // what each rank has said to kStacks
  std::string raised_;                     // "rank 1"
};

}  // namespace rankscope::diagnose
