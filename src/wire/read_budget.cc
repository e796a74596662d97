#include "wire/read_budget.h"

#include <utility>

namespace rankscope::wire {

void ReadBudget::Take(size_t bytes) {
  std::lock_guard lock(mutex_);
  taken_ += bytes;
}

void ReadBudget::Return(size_t bytes) {
  std::vector<std::function<void()>> ready;
  {
    std::lock_guard lock(mutex_);
    taken_ -= bytes;
    if (taken_ <= limit_ / 2) ready.swap(waiting_);
  }
  for (const auto& read_on : ready) read_on();
}

bool ReadBudget::MayRead(std::function<void()> later) {
  std::lock_guard lock(mutex_);
  if (taken_ <= limit_) return true;
  waiting_.push_back(std::move(later));
  return false;
}

}  // namespace rankscope::wire
