#include "api/reply_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace rankscope::api {

bool ReplyQueue::Write(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return closed_ || Waiting() < kMaxWaiting; });
  if (closed_) return false;
  waiting_.append(bytes);
  Wake(&lock);
  return true;
}

bool ReplyQueue::TryWrite(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  if (closed_ || Waiting() >= kMaxWaiting) return false;
  waiting_.append(bytes);
  Wake(&lock);
  return true;
}

void ReplyQueue::End() {
  std::unique_lock lock(mutex_);
  ended_ = ended_ || !closed_;  // what was broken off stays so
  Wake(&lock);
}

void ReplyQueue::Wake(std::unique_lock<std::mutex>* lock) {
  if (!std::exchange(starving_, false)) return;
  auto ready = ready_;
  lock->unlock();
  if (ready) ready();
}

long ReplyQueue::Read(char* out, size_t max) {
  std::lock_guard lock(mutex_);
  if (closed_ && !ended_) return kBroken;
  if (Waiting() == 0) {
    if (ended_) return kEnd;
    starving_ = true;
    return 0;
  }
  size_t count = std::min(max, Waiting());
  std::memcpy(out, waiting_.data() + taken_, count);
  taken_ += count;
  // What is left moves up once it is the lesser part, so that each byte moves once or so.
  if (taken_ * 2 >= waiting_.size()) {
    waiting_.erase(0, taken_);
    taken_ = 0;
  }
  if (Waiting() < kMaxWaiting) room_.notify_all();
  return static_cast<long>(count);
}

void ReplyQueue::Close() {
  std::function<void()> closed;
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return;
    closed = std::exchange(on_closed_, nullptr);
  }
  room_.notify_all();
  if (closed) closed();
}

void ReplyQueue::OnReady(std::function<void()> ready) {
  std::lock_guard lock(mutex_);
  ready_ = std::move(ready);
}

void ReplyQueue::OnClosed(std::function<void()> closed) {
  {
    std::lock_guard lock(mutex_);
    if (!closed_) {
      on_closed_ = std::move(closed);
      return;
    }
  }
  closed();
}

}  // namespace rankscope::api
