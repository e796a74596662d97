#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "ingest/journal_entry.h"
#include "model/record_sink.h"

namespace rankscope::ingest {

// The sinks, and how far in the journal each of them is. For one thread: the replay's, then the committer's.
class Fanout {
 public:
  explicit Fanout(std::vector<model::RecordSink*> sinks) : sinks_(std::move(sinks)) {}

  // Of the first sink that takes no records now.
  base::Status Ready() const;
  // Records that end at that position of the journal, to every sink.
  base::Status Deliver(uint64_t end_position, const std::shared_ptr<const model::RecordBatch>& records);
  // The same at the start: to those sinks only that do not have them yet.
  base::Status Redeliver(uint64_t end_position, const std::shared_ptr<const model::RecordBatch>& records);

  // A tick, likewise.
  base::Status Deliver(uint64_t end_position, const TickEntry& tick);
  base::Status Redeliver(uint64_t end_position, const TickEntry& tick);

  // Past the last frame that the sinks have; other entries may follow it in the journal.
  uint64_t delivered_position() const { return delivered_position_; }
  // From here on some sink still needs a journal that ends at `end_position`.
  uint64_t NeededPosition(uint64_t end_position) const;
  // Where the sink is that is furthest; 0 without sinks.
  uint64_t FurthestPosition() const;

 private:
  const std::vector<model::RecordSink*> sinks_;
  uint64_t delivered_position_ = 0;
};

}  // namespace rankscope::ingest
