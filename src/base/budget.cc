#include "base/budget.h"

#include "base/clock.h"

namespace rankscope::base {
namespace {

constexpr uint32_t kAsksPerClock = 64;

}  // namespace

Budget::Budget(Limits limits)
    : limits_(limits), deadline_(limits.time_ns > 0 ? MonotonicNow() + limits.time_ns : INT64_MAX) {}

bool Budget::Take(uint64_t bytes) {
  uint64_t used = used_ += bytes;
  if (limits_.memory_bytes > 0 && used > limits_.memory_bytes) Meet(Limit::kMemory);
  return !Spent();
}

bool Budget::TakeRow() {
  const bool fits = limits_.rows == 0 || ++rows_ <= limits_.rows;
  if (!fits) Meet(Limit::kRows);
  return fits && met_ != Limit::kCancelled;
}

bool Budget::Spent() {
  if (met_ != Limit::kNone) return true;
  if (asked_++ % kAsksPerClock == 0 && MonotonicNow() >= deadline_) Meet(Limit::kTime);
  return met_ != Limit::kNone;
}

void Budget::LeaveOut(const Status& why) {
  std::lock_guard lock(mutex_);
  if (left_out_.ok()) left_out_ = why;
}

Status Budget::left_out() const {
  std::lock_guard lock(mutex_);
  return left_out_;
}

void Budget::Meet(Limit limit) {
  Limit none = Limit::kNone;
  met_.compare_exchange_strong(none, limit);
}

}  // namespace rankscope::base
