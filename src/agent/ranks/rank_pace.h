#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace rankscope::agent {

// How one rank gets on, as its agent sees it at each look: how long a step usually takes, and since when it is at the
// one where it is. Times by the monotonic clock. One thread.
class RankPace {
 public:
  // `waits`: it is held, and its time does not count.
  void Look(std::optional<int64_t> step, bool waits, int64_t now_ns);
  // The middle one of the last steps that were seen to pass; 0: none yet.
  int64_t step_ns() const;
  int64_t at_step_ns(int64_t now_ns) const { return since_ns_ == 0 ? 0 : now_ns - since_ns_; }

 private:
  std::array<int64_t, 15> last_{};  // a ring
  size_t count_ = 0;
  std::optional<int64_t> step_;
  int64_t since_ns_ = 0;
  bool held_ = false;  // at some time since it came to the step
};

}  // namespace rankscope::agent
