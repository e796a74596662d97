#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace rankscope::ingest {

// Whether the disk is what records wait for: then the journal's bytes are worth the time of compressing them, which
// passes anyway. One thread says, any asks.
class DiskPace {
 public:
  // Of a sync, by the monotonic clock.
  void Synced(int64_t began, int64_t ended) {
    waited_ += ended - began;
    if (ended - since_ < kWindow) return;
    slow_ = waited_ > (ended - since_) / 5 * 4;
    since_ = ended;
    waited_ = 0;
  }
  bool slow() const { return slow_; }

 private:
  static constexpr int64_t kWindow = base::kNsPerSecond / 10;

  int64_t since_ = 0, waited_ = 0;
  std::atomic<bool> slow_{false};
};

}  // namespace rankscope::ingest
