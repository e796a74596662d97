#pragma once

#include <map>

#include "diagnose/actions/action_run.h"

namespace rankscope::diagnose {

// All ranks wait before one step that none of them has begun, until somebody resumes the job; or they end there.
//
//   preparing ─▶ arriving ─▶ held ─▶ done (resumed)
//       │            │         └─────▶ ending ─▶ done (stopped): the hold was as long as it may be
//       │            └─▶ done (given up: a rank is gone, went on by itself, or never came)
//       ├─▶ done (refused: a rank cannot be held, or the job does not allow it)
//       └─▶ capturing ─▶ ending: a rank has raised, so that the others can only end
//
// The step is the greatest that a rank has told, and a margin, which doubles as long as a rank is there already.
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
  void LookAtArrivals(int64_t now_ns);
  void NameTheMissing(int64_t now_ns);
  void EndHold(int64_t now_ns);
  void WatchAgents(int64_t now_ns);
  void GiveUp(const std::string& why);
  void Refuse(const std::string& why);
  std::string RanksSaying(const std::string& outcome) const;
  // Of those that were ready, who say something else.
  std::string RanksNotSaying(const std::string& outcome) const;

  const JobRanks ranks_;
  Stage stage_ = Stage::kPreparing;
  int64_t stage_began_ns_ = 0;
  int agents_ = 0, answered_ = 0, round_ = 0;
  int64_t step_ = 0;
  int64_t first_held_ns_ = 0, agent_away_ns_ = 0;
  int64_t cap_ns_ = 0;
  uint32_t collective_timeout_s_ = 0;  // the shortest that a rank names; 0: none does
  bool capturing_ = false, missing_named_ = false;
  std::map<int32_t, std::string> stacks_;  // what each rank has said to kStacks
  std::string raised_;                     // "rank 1"
};

}  // namespace rankscope::diagnose
