#include "notify/message_budget.h"

#include <algorithm>

namespace rankscope::notify {

bool MessageBudget::MayTellAlone(base::TimeNs now) const {
  for (int64_t digests = 0; digests * kDigestNs < kWindowNs; ++digests) {
    base::TimeNs window_start = now + digests * kDigestNs - kWindowNs;
    auto before = std::count_if(told_.begin(), told_.end(), [&](base::TimeNs at) { return at > window_start; });
    if (static_cast<size_t>(before + 1 + digests) > kMost) return false;
  }
  return true;
}

void MessageBudget::Told(base::TimeNs now) {
  told_.push_back(now);
  if (told_.size() > kMost) told_.pop_front();
}

}  // namespace rankscope::notify
