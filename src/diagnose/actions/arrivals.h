#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "model/job_order.h"

namespace rankscope::diagnose {

// How far the ranks are that are on their way to a step, by what their agents say of them once a second. Pure; times
// are the caller's, monotonic. One thread.
class Arrivals {
 public:
  void Note(const model::RankAnswer& answer, int64_t now_ns);

  // The longest usual step of a rank; 0: not known.
  int64_t step_ns() const { return step_ns_; }
  // So long a rank may be at one step before it counts as stuck: 20 of its usual steps and a minute at least, but the
  // job lives no longer than `timeout_ns` without one. At least 3 steps.
  int64_t PatienceNs(int64_t timeout_ns) const;
  // So long that people are told: 3 of its usual steps and 5 s at least.
  int64_t NotableNs() const;
  // Those that have been at one step for so long.
  std::set<int32_t> AtOneStepFor(int64_t ns, int64_t now_ns) const;
  void Forget(int32_t rank) { ranks_.erase(rank); }  // it has arrived

  // "ranks 0-1, 3 are at step 19 for 12 s, rank 2 is at step 18 for 13 s", of those that are given: as many words for
  // all ranks of one step.
  std::string Describe(const std::set<int32_t>& ranks, int64_t now_ns) const;

 private:
  struct Rank {
    std::optional<int64_t> step;
    int64_t since_ns = 0;
  };
  std::map<int32_t, Rank> ranks_;
  int64_t step_ns_ = 0;
};

// "0.25 s", "7 s".
std::string SecondsText(int64_t ns);

}  // namespace rankscope::diagnose
