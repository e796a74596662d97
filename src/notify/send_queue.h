#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "notify/delivery_log.h"

namespace rankscope::notify {

// The deliveries of one channel that have not arrived, and when each is tried: again after 1, 2, 4 … 60 s with jitter,
// or when the other end says, for 24 hours. A delivery waits for an earlier one that tells of the same incident, so
// that a state never overtakes the one before. Pure. One thread at a time.
class SendQueue {
 public:
  static constexpr int64_t kMostBackoffNs = 60 * base::kNsPerSecond;
  static constexpr int64_t kMostWaitNs = 3600 * base::kNsPerSecond;  // whatever Retry-After says
  static constexpr int64_t kGiveUpAfterNs = 24 * 3600 * base::kNsPerSecond;

  // `seed`: of the jitter.
  explicit SendQueue(uint64_t seed) : random_(seed) {}

  void Add(Delivery delivery);
  // The next to be tried at `now`; null: none. Valid until the queue changes.
  const Delivery* Next(base::TimeNs now) const;
  // When Next has something; nothing: never, as nothing waits.
  std::optional<base::TimeNs> NextDue() const;

  void Remove(const std::string& id);
  // It is to be tried again. False: it was made too long ago, and is to be given up.
  bool TryAgain(const std::string& id, base::TimeNs now, std::optional<int64_t> retry_after_s);
  size_t size() const { return waiting_.size(); }
  // Whether it was tried before.
  bool Tried(const std::string& id) const;

 private:
  struct Waiting {
    Delivery delivery;
    uint32_t failures = 0;
    base::TimeNs due = 0;
  };
  Waiting* Find(const std::string& id);
  bool IsBehind(size_t index) const;  // of an earlier one that tells of the same incident
  double Jitter();

  std::deque<Waiting> waiting_;
  uint64_t random_;
};

}  // namespace rankscope::notify
