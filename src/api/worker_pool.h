#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace rankscope::api {

// Runs work on threads that it starts when none is idle, at most `max_threads`; beyond them work waits in a queue.
// Any thread; Run is never called on a thread of the pool.
class WorkerPool {
 public:
  explicit WorkerPool(size_t max_threads) : max_threads_(max_threads) {}
  ~WorkerPool() { Stop(); }

  // Dropped once the pool stops.
  void Run(std::function<void()> work);
  // Drops what waits; returns when nothing runs. May be called again.
  void Stop();

 private:
  void Loop();

  const size_t max_threads_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace rankscope::api
