#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/record_batch.h"
#include "store/store.h"

namespace rankscope::monitor {

// What the store has of a job, so far as detection looks back: the registrations of its detectors, and then its newest
// 500,000 records, in the order of their time. In memory, packed: 50 MB or so.
base::Result<std::vector<std::shared_ptr<const model::RecordBatch>>> LookBack(store::Store* store,
                                                                              const std::string& project,
                                                                              const std::string& job);

}  // namespace rankscope::monitor
