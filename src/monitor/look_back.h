#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/record_batch.h"
#include "store/store.h"

namespace rankscope::monitor {

// What the store has of a job, so far as detection looks back: what its own detectors said, and then its newest
// records, so many of them, in the order of their time. In memory, packed: 100 bytes a record or so.
base::Result<std::vector<std::shared_ptr<const model::RecordBatch>>> LookBack(store::Store* store,
                                                                              const std::string& project,
                                                                              const std::string& job,
                                                                              uint64_t most_records);

}  // namespace rankscope::monitor
