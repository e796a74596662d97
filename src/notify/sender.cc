#include "notify/sender.h"

#include <chrono>

#include "base/coding.h"
#include "notify/transport.h"

namespace rankscope::notify {
namespace {

// While it fails, a few more show whether it is the channel or a message that it cannot take.
constexpr size_t kMostWaiting = 15, kMostWhileFailing = 4;

}  // namespace

Sender::Sender(const Channel* channel, std::function<base::TimeNs()> now, Ended ended)
    : channel_(channel),
      now_(std::move(now)),
      ended_(std::move(ended)),
      queue_(base::Checksum(channel->name, static_cast<uint64_t>(now_()))) {
  status_.channel = channel_->name;
  status_.kind = channel_->kind->name;
  thread_ = std::thread([this] { Work(); });
}

Sender::~Sender() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Sender::Add(Delivery delivery) {
  {
    std::lock_guard lock(mutex_);
    queue_.Add(std::move(delivery));
  }
  wake_.notify_all();
}

void Sender::ResumeFailing(base::TimeNs since, const std::string& why) {
  std::lock_guard lock(mutex_);
  status_.failing_since = since;
  status_.error = why;
}

ChannelStatus Sender::status() const {
  std::lock_guard lock(mutex_);
  ChannelStatus status = status_;
  status.waiting = queue_.size();
  return status;
}

bool Sender::Blocked() const {
  std::lock_guard lock(mutex_);
  return queue_.size() >= (status_.failing_since != 0 ? kMostWhileFailing : kMostWaiting);
}

void Sender::Work() {
  constexpr auto kTick = std::chrono::milliseconds(200);  // the clock may be one that tests move
  while (!stop_) {
    Delivery delivery;
    {
      std::unique_lock lock(mutex_);
      const Delivery* next = queue_.Next(now_());
      if (!next) {
        wake_.wait_for(lock, kTick);
        continue;
      }
      delivery = *next;
    }
    Try(delivery);
  }
}

void Sender::Try(const Delivery& delivery) {
  // The time that receivers compare with theirs is the wall clock's.
  Request request = channel_->kind->seal(*channel_, delivery.id, delivery.body, base::WallNow());
  Answer answer = Send(*channel_, request, &stop_);
  if (stop_) return;
  Verdict verdict = channel_->kind->judge(answer);
  verdict.why = channel_->Hide(std::move(verdict.why));
  bool late = false;
  DeliveryState state = DeliveryState::kPending;
  {
    std::lock_guard lock(mutex_);
    late = queue_.Tried(delivery.id);
    state = Note(delivery, answer, verdict);
  }
  if (state != DeliveryState::kPending) ended_(delivery, state, verdict.why, late);
  if (state == DeliveryState::kPending) return;
  std::lock_guard lock(mutex_);
  queue_.Remove(delivery.id);  // only now: what follows it must not overtake its record
}

DeliveryState Sender::Note(const Delivery& delivery, const Answer& answer, const Verdict& verdict) {
  base::TimeNs now = now_();
  if (verdict.outcome == Verdict::Outcome::kDelivered) {
    status_.delivered = now;
    ++status_.arrived;
    status_.latency_ns = now - delivery.made;
    status_.failing_since = status_.refused = 0;
    status_.error.clear();
    return DeliveryState::kDelivered;
  }
  status_.error = verdict.why;
  if (verdict.outcome == Verdict::Outcome::kRefused) {
    status_.refused = now;
    ++status_.given_up;
    return DeliveryState::kRefused;
  }
  if (status_.failing_since == 0) status_.failing_since = now;
  if (queue_.TryAgain(delivery.id, now, answer.retry_after_s)) return DeliveryState::kPending;
  status_.refused = now;
  ++status_.given_up;
  return DeliveryState::kExpired;
}

}  // namespace rankscope::notify
