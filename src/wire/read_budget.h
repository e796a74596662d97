#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

namespace rankscope::wire {

// Memory that many streams share. While more than `limit` bytes are taken nobody reads on; once half of them are
// returned everybody who waited does, so that none starves behind a busier one. Any thread.
class ReadBudget {
 public:
  explicit ReadBudget(size_t limit) : limit_(limit) {}

  void Take(size_t bytes);
  // Calls those who waited if there is room now: on this thread, without a lock.
  void Return(size_t bytes);
  // True: read on. False: `later` will be called, once.
  bool MayRead(std::function<void()> later);

 private:
  const size_t limit_;
  std::mutex mutex_;  // guards what follows
  size_t taken_ = 0;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace rankscope::wire
