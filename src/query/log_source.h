#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/status.h"
#include "model/record_batch.h"
#include "model/selection.h"

namespace rankscope::query {

// Where queries read from: the embedded store, later Elasticsearch or Loki.
class LogSource {
 public:
  virtual ~LogSource() = default;

  // Calls `take` for each selected record, ordered by (time, arrival); per producer the order is that of seq.
  // `newest_first` gives the reverse. Stops when take returns false. Memory is bounded, not by the result's size.
  virtual base::Status Scan(const model::Selection& selection, bool newest_first,
                            const std::function<bool(const model::Record&)>& take) = 0;

  // Live: calls `take` with each batch as it is appended, on the appending thread: it must be quick and not call back.
  // Returns a token for Unsubscribe, after which `take` is never called again.
  virtual uint64_t Subscribe(std::function<void(const model::RecordBatch&)> take) = 0;
  virtual void Unsubscribe(uint64_t token) = 0;
};

}  // namespace rankscope::query
