#include "agent/ranks/rank_pace.h"

#include <algorithm>

namespace rankscope::agent {

void RankPace::Look(std::optional<int64_t> step, bool waits, int64_t now_ns) {
  bool moved = step != step_;
  if (moved && step && step_ && *step > *step_ && !held_) {
    uint64_t steps = static_cast<uint64_t>(*step) - static_cast<uint64_t>(*step_);
    last_[count_++ % last_.size()] = static_cast<int64_t>(static_cast<uint64_t>(now_ns - since_ns_) / steps);
  }
  held_ = waits || (held_ && !moved);
  if (moved || waits) since_ns_ = now_ns;
  step_ = step;
}

int64_t RankPace::step_ns() const {
  size_t known = std::min(count_, last_.size());
  if (known == 0) return 0;
  std::array<int64_t, 15> sorted = last_;
  auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(known / 2);
  std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(known));
  return *middle;
}

}  // namespace rankscope::agent
