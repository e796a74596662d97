#include "monitor/detection_queue.h"

#include <chrono>

#include "base/clock.h"

namespace rankscope::monitor {
namespace {

constexpr size_t kMostBytes = 64 << 20, kLotBytes = 1 << 20;  // a lot, unpacked, fits a cache
constexpr int64_t kCompany = 50 * base::kNsPerMs;
constexpr auto kPatience = std::chrono::milliseconds(200);

}  // namespace

void DetectionQueue::Put(uint64_t end_position, Batch records) {
  Item item;
  item.end_position = end_position;
  item.records = std::move(records);
  Put(std::move(item));
}

void DetectionQueue::Put(uint64_t end_position, std::vector<model::JobTime> tick) {
  Item item;
  item.end_position = end_position;
  item.tick = std::move(tick);
  Put(std::move(item));
}

void DetectionQueue::Put(std::function<void()> errand) {
  Item item;
  item.errand = std::move(errand);
  Put(std::move(item));
}

void DetectionQueue::PutFirst(std::function<void()> errand) {
  std::lock_guard lock(mutex_);
  if (stopped_) return;
  first_.push_back(std::move(errand));
  changed_.notify_all();
}

// Before the first Take a replay may put more: it is no more than what was not judged when the server ended.
void DetectionQueue::Put(Item item) {
  item.came_at = base::MonotonicNow();
  std::unique_lock lock(mutex_);
  if (item.records) {
    changed_.wait(lock, [this] { return bytes_ < kMostBytes || !taking_ || stopped_; });
    bytes_ += item.records->bytes();
  }
  if (stopped_) return;
  items_.push_back(std::move(item));
  changed_.notify_all();
}

// REQUIRES mutex_.
bool DetectionQueue::LotIsReady(int64_t now) const {
  if (!first_.empty()) return true;
  if (items_.empty()) return false;
  const Item& first = items_.front();
  return !first.records || bytes_ >= kLotBytes || now - first.came_at >= kCompany;
}

DetectionQueue::Lot DetectionQueue::Take() {
  std::unique_lock lock(mutex_);
  taking_ = true;
  Lot lot;
  changed_.wait_for(lock, kPatience, [this] { return stopped_ || !first_.empty() || !items_.empty(); });
  while (!stopped_ && !items_.empty() && !LotIsReady(base::MonotonicNow())) {
    changed_.wait_for(lock, std::chrono::nanoseconds(kCompany - (base::MonotonicNow() - items_.front().came_at)));
  }
  if (!stopped_ && !first_.empty()) return FirstErrand();
  size_t bytes = 0;
  while (!stopped_ && !items_.empty() && bytes < kLotBytes) {
    Item& item = items_.front();
    if (!item.records && !lot.batches.empty()) break;
    lot.end_position = item.end_position;
    if (item.records) {
      bytes += item.records->bytes();
      lot.batches.push_back(std::move(item.records));
    } else {
      lot.tick = std::move(item.tick);
      lot.errand = std::move(item.errand);
      bytes = kLotBytes;
    }
    items_.pop_front();
    ++taken_;
  }
  if (!lot.batches.empty()) bytes_ -= bytes;
  changed_.notify_all();
  return lot;
}

DetectionQueue::Lot DetectionQueue::TakeFirst() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [this] { return stopped_ || !first_.empty(); });
  return stopped_ ? Lot() : FirstErrand();
}

// REQUIRES mutex_. Empty: there is none.
DetectionQueue::Lot DetectionQueue::FirstErrand() {
  Lot lot;
  if (first_.empty()) return lot;
  lot.errand = std::move(first_.front());
  first_.pop_front();
  return lot;
}

std::vector<DetectionQueue::Batch> DetectionQueue::Waiting(uint64_t* next) {
  std::lock_guard lock(mutex_);
  std::vector<Batch> batches;
  for (uint64_t number = std::max(*next, taken_); number < taken_ + items_.size(); ++number) {
    const Item& item = items_[number - taken_];
    if (item.records) batches.push_back(item.records);
  }
  *next = taken_ + items_.size();
  return batches;
}

void DetectionQueue::Stop() {
  std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

bool DetectionQueue::stopped() const {
  std::lock_guard lock(mutex_);
  return stopped_;
}

}  // namespace rankscope::monitor
