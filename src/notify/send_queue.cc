#include "notify/send_queue.h"

#include <algorithm>

namespace rankscope::notify {

void SendQueue::Add(Delivery delivery) { waiting_.push_back({std::move(delivery), 0, 0}); }

bool SendQueue::IsBehind(size_t index) const {
  const auto& own = waiting_[index].delivery.incidents;
  auto is_own = [&](const std::string& id) { return std::find(own.begin(), own.end(), id) != own.end(); };
  return std::any_of(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(index), [&](const Waiting& earlier) {
    return std::any_of(earlier.delivery.incidents.begin(), earlier.delivery.incidents.end(), is_own);
  });
}

const Delivery* SendQueue::Next(base::TimeNs now) const {
  for (size_t i = 0; i < waiting_.size(); ++i) {
    if (waiting_[i].due <= now && !IsBehind(i)) return &waiting_[i].delivery;
  }
  return nullptr;
}

std::optional<base::TimeNs> SendQueue::NextDue() const {
  std::optional<base::TimeNs> due;
  for (size_t i = 0; i < waiting_.size(); ++i) {
    if (!IsBehind(i)) due = std::min(due.value_or(waiting_[i].due), waiting_[i].due);
  }
  return due;
}

SendQueue::Waiting* SendQueue::Find(const std::string& id) {
  auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& each) { return each.delivery.id == id; });
  return found == waiting_.end() ? nullptr : &*found;
}

bool SendQueue::Tried(const std::string& id) const {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [&](const Waiting& each) { return each.delivery.id == id && each.failures > 0; });
}

void SendQueue::Remove(const std::string& id) {
  std::erase_if(waiting_, [&](const Waiting& each) { return each.delivery.id == id; });
}

// From 0.5 to 1, by splitmix64.
double SendQueue::Jitter() {
  random_ += 0x9E3779B97F4A7C15;
  uint64_t bits = (random_ ^ (random_ >> 30)) * 0xBF58476D1CE4E5B9;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
  return 0.5 + static_cast<double>((bits ^ (bits >> 31)) >> 11) * 0x1p-54;
}

bool SendQueue::TryAgain(const std::string& id, base::TimeNs now, std::optional<int64_t> retry_after_s) {
  Waiting* waiting = Find(id);
  if (!waiting || now - waiting->delivery.made >= kGiveUpAfterNs) return false;
  int64_t backoff = std::min(kMostBackoffNs, base::kNsPerSecond << std::min(waiting->failures, 6U));
  ++waiting->failures;
  waiting->due = now + static_cast<int64_t>(static_cast<double>(backoff) * Jitter());
  if (retry_after_s && *retry_after_s > 0) {
    int64_t asked = std::min(*retry_after_s, kMostWaitNs / base::kNsPerSecond) * base::kNsPerSecond;
    waiting->due = std::max(waiting->due, now + asked);
  }
  return true;
}

}  // namespace rankscope::notify
