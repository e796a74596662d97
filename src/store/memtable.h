#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "model/record_batch.h"
#include "store/blocks/row_buffer.h"
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

// The memtable's records, but for those of the jobs that go, as segments, one a job, that nobody sees until they are
// published. After an error `hindered` is the job whose records could not be written.
base::Result<std::vector<LiveSegment>> WriteSegments(const Memtable& table, const std::multiset<std::string>& going,
                                                     SegmentFolder* folder, std::string* hindered);

}  // namespace rankscope::store
