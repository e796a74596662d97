#include "api/reply_queue.h"

#include <cstring>
#include <utility>

namespace rankscope::api {
namespace {

constexpr size_t kPieceBytes = 64 << 10;

}  // namespace

bool ReplyQueue::Write(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return closed_ || waiting_ < kMaxWaiting; });
  if (closed_) return false;
  Append(bytes);
  Wake(&lock);
  return true;
}

bool ReplyQueue::TryWrite(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  if (closed_ || waiting_ >= kMaxWaiting) return false;
  Append(bytes);
  Wake(&lock);
  return true;
}

// In pieces, so that nothing moves up when the first is taken.
void ReplyQueue::Append(std::string_view bytes) {
  if (bytes.empty()) return;
  waiting_ += bytes.size();
  if (!pieces_.empty() && pieces_.back().size() + bytes.size() <= kPieceBytes) {
    pieces_.back().append(bytes);
  } else {
    pieces_.emplace_back(bytes);
  }
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
  if (waiting_ == 0) {
    if (ended_) return kEnd;
    starving_ = true;
    return 0;
  }
  size_t count = 0;
  while (count < max && waiting_ > 0) {
    std::string_view piece = std::string_view(pieces_.front()).substr(taken_, max - count);
    std::memcpy(out + count, piece.data(), piece.size());
    count += piece.size();
    taken_ += piece.size();
    waiting_ -= piece.size();
    if (taken_ < pieces_.front().size()) break;
    pieces_.pop_front();
    taken_ = 0;
  }
  if (waiting_ < kMaxWaiting) room_.notify_all();
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
