#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "model/record_sink.h"

namespace rankscope::monitor {

// What waits to be judged, in the order of the journal. Bounded: who puts records waits while 64 MiB of them do, once
// somebody takes them. Any thread puts, one takes.
class DetectionQueue {
 public:
  using Batch = std::shared_ptr<const model::RecordBatch>;

  // What is judged together: some batches, or one tick, or one errand.
  struct Lot {
    std::vector<Batch> batches;
    std::vector<model::JobTime> tick;
    std::function<void()> errand;
    uint64_t end_position = 0;  // 0: an errand, or nothing came
  };

  void Put(uint64_t end_position, Batch records);
  void Put(uint64_t end_position, std::vector<model::JobTime> tick);
  // Runs on the taker's thread, after what was put before. Not at all once the queue has been stopped.
  void Put(std::function<void()> errand);

  // Likewise, but before everything that waits.
  void PutFirst(std::function<void()> errand);

  // Waits for company: batches that come within 50 ms of the first are one lot, up to 1 MiB, so that records of several
  // senders can be put in the order of their time. Empty: nothing came for 200 ms, or the queue has been stopped.
  Lot Take();
  // Only an errand that was put first. Empty: there was none for 200 ms, or the queue has been stopped.
  Lot TakeFirst();
  // The batches that wait, from the one that was put as number *next on; *next moves behind the last.
  std::vector<Batch> Waiting(uint64_t* next);

  // Whoever puts waits no longer, and nothing more is taken.
  void Stop();
  bool stopped() const;

 private:
  struct Item {
    uint64_t end_position = 0;
    Batch records;
    std::vector<model::JobTime> tick;
    std::function<void()> errand;
    int64_t came_at = 0;
  };
  void Put(Item item);
  bool LotIsReady(int64_t now) const;
  Lot FirstErrand();

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Item> items_;
  std::deque<std::function<void()>> first_;
  uint64_t taken_ = 0;  // items ever taken: the number of the first that waits
  size_t bytes_ = 0;
  bool taking_ = false, stopped_ = false;
};

}  // namespace rankscope::monitor
