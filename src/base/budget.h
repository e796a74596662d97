#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/status.h"

namespace rankscope::base {

// What one piece of work may use, whether anyone still waits for its outcome, and why that is not whole. The work asks
// as it goes and ends early, with what it has, once a limit is met. Any thread, but rows are taken by one.
class Budget {
 public:
  enum class Limit : uint8_t { kNone, kMemory, kTime, kRows, kCancelled };
  // 0: no limit.
  struct Limits {
    uint64_t memory_bytes = 0;
    int64_t time_ns = 0;  // from construction on, by the monotonic clock
    uint64_t rows = 0;
  };

  Budget() : Budget(Limits{}) {}
  explicit Budget(Limits limits);

  // Counts memory in use, in bytes. False: more than allowed, or another limit is met.
  bool Take(uint64_t bytes);
  void Give(uint64_t bytes) { used_ -= bytes; }
  // Counts a row of the outcome. False: that row is one too many, or nobody waits for it. Other limits that are met do
  // not keep back the rows that there are.
  bool TakeRow();
  // Whether to end now. Reads the clock now and then only: ask in every loop.
  bool Spent();
  void Cancel() { Meet(Limit::kCancelled); }

  // Something could not be read, and the work goes on without it.
  void LeaveOut(const Status& why);

  // The limit met first.
  Limit met() const { return met_; }
  // Why the first thing was left out; ok: nothing was.
  Status left_out() const;
  const Limits& limits() const { return limits_; }

 private:
  void Meet(Limit limit);

  const Limits limits_;
  const int64_t deadline_;
  uint64_t rows_ = 0;
  std::atomic<uint64_t> used_{0};
  std::atomic<uint32_t> asked_{0};
  std::atomic<Limit> met_{Limit::kNone};
  mutable std::mutex mutex_;  // guards what follows
  Status left_out_;
};

}  // namespace rankscope::base
