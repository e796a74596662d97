#pragma once

#include <cstdint>
#include <optional>

#include "embed/ring_layout.h"
#include "model/job_order.h"

namespace rankscope::agent {

// The agent's end of one rank's control block (embed/ring_layout.h): what is asked of the rank, and what it says to
// that. A view; the block is the training process's to write, and nothing in it is trusted. One thread.
class RankControl {
 public:
  explicit RankControl(rankscope_control* block) : block_(block) {}

  // False: the process has an older rankscope, and none of the rest means anything.
  bool speaks() const;
  bool is_worker() const { return Has(RANKSCOPE_IS_WORKER); }
  bool may_pause() const { return Has(RANKSCOPE_MAY_PAUSE); }
  bool has_raised() const { return Has(RANKSCOPE_HAS_RAISED); }
  model::RankAnswer::End end() const;
  // The last step that it has begun or told; nullopt: none yet.
  std::optional<int64_t> passed_step() const;
  uint32_t collective_timeout_s() const;
  int stack_signal() const;  // 0: none

  // A new order. Its number, by which the rank's answer is known. What passed_step says after this is either before
  // `at_step`, and the rank will heed the order there, or it is not, and the order came too late for that.
  uint64_t Order(rankscope_order_kind kind, int64_t at_step, uint32_t limit_ms);
  // What follows of the order of that number, at its step.
  void Change(uint64_t number, rankscope_order_kind kind, uint32_t limit_ms);
  // What the rank does about the order; RANKSCOPE_GOING where it has said nothing of it.
  rankscope_rank_state StateOf(uint64_t number) const;

  // The agent is there. A rank that waits goes on when it has not heard that for 15 s.
  void Beat(int64_t monotonic_ns);
  // Whether it waits, for whichever order.
  bool waits() const;
  void SetLevel(uint32_t level);

 private:
  bool Has(rankscope_trait trait) const;

  rankscope_control* block_;
};

}  // namespace rankscope::agent
