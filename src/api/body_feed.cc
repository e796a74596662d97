#include "api/body_feed.h"

#include <utility>

namespace rankscope::api {

BodyFeed::BodyFeed(std::unique_ptr<BodyConsumer> consumer, std::function<void(std::function<void()>)> run,
                   std::function<void()> drained)
    : run_(std::move(run)), drained_(std::move(drained)), consumer_(std::move(consumer)) {}

bool BodyFeed::HasRoomFor(size_t bytes) {
  std::lock_guard lock(mutex_);
  return waiting_.size() + bytes <= kMaxWaiting;
}

void BodyFeed::Push(std::string_view bytes) {
  std::unique_lock lock(mutex_);
  waiting_.append(bytes);
  Wake(&lock);
}

void BodyFeed::End() {
  std::unique_lock lock(mutex_);
  ended_ = true;
  Wake(&lock);
}

void BodyFeed::Abort() {
  std::unique_lock lock(mutex_);
  aborted_ = true;
  Wake(&lock);
}

void BodyFeed::Continue() {
  std::unique_lock lock(mutex_);
  continued_ = true;
  held_ = false;
  Wake(&lock);
}

void BodyFeed::Wake(std::unique_lock<std::mutex>* lock) {
  bool anything = aborted_ || (!held_ && (ended_ || !waiting_.empty()));
  if (feeding_ || !consumer_ || !anything) return;
  feeding_ = true;
  lock->unlock();
  run_([self = shared_from_this()] { self->Feed(); });
}

void BodyFeed::Feed() {
  std::unique_ptr<BodyConsumer> done;  // called and destroyed outside the lock: it may come back to us
  bool whole = false;
  while (true) {
    {
      std::lock_guard lock(mutex_);
      whole = ended_ && waiting_.empty() && !held_;
      if (aborted_ || whole) {
        done = std::move(consumer_);
        whole = whole && !aborted_;
        feeding_ = false;
        break;
      }
      if (held_ || waiting_.empty()) {
        feeding_ = false;
        return;
      }
      taken_.clear();
      taken_.swap(waiting_);
      continued_ = false;
    }
    drained_();
    if (consumer_->Take(taken_) != BodyConsumer::Next::kWait) continue;
    std::lock_guard lock(mutex_);
    held_ = !continued_;
  }
  if (whole) done->End();
}

}  // namespace rankscope::api
