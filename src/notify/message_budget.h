#pragma once

#include <cstddef>
#include <deque>

#include "base/clock.h"

namespace rankscope::notify {

// How much one channel is told: at most 15 messages in any minute, and nothing waits for more than 5 s from its record
// to the receiver: a digest comes a little earlier, as judging and sending take their time. So a message may go alone
// only where, with digests from now on, no minute would have more than 15: a steady stream of one in 4 s may, and of a
// burst the first two.
class MessageBudget {
 public:
  static constexpr int64_t kWindowNs = 60 * base::kNsPerSecond, kDigestNs = 4300 * base::kNsPerMs;
  static constexpr size_t kMost = 15;

  bool MayTellAlone(base::TimeNs now) const;
  void Told(base::TimeNs now);

 private:
  std::deque<base::TimeNs> told_;  // the last kMost
};

}  // namespace rankscope::notify
