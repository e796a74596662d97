#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/record_batch.h"
#include "store/row_buffer.h"
#include "store/segment_folder.h"

namespace rankscope::store {

using Batches = std::vector<std::shared_ptr<const model::RecordBatch>>;

// What is not yet in a segment. Batches are never changed once they are in.
struct Memtable {
  Batches batches;
  size_t bytes = 0;
  uint64_t end_position = 0;  // of the journal
  std::chrono::steady_clock::time_point since;
};

// A memtable's records as segments, one a job, that nobody sees until they are published.
struct Written {
  std::vector<LiveSegment> segments;
  std::map<std::string, base::Status> failed;  // jobs of which nothing was written
};
// A full disk fails all of them (kUnavailable) and leaves nothing behind.
base::Result<Written> WriteSegments(const Batches& batches, SegmentFolder* folder);

// The records whose job is chosen; batches of which all are chosen are shared.
Batches Choose(const Batches& batches, const std::function<bool(const std::string& job)>& chosen);

}  // namespace rankscope::store
