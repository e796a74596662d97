#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/budget.h"
#include "base/status.h"
#include "model/aggregation.h"
#include "model/record.h"
#include "model/record_batch.h"
#include "model/scan.h"

namespace rankscope::query {

// Where queries read from: the embedded store, later Elasticsearch or Loki. All methods from any thread.
//
// The reading methods end early and return OK, with what they have, once the budget is spent: whoever owns the budget
// says so (Budget::met). They count what they hold in memory in it.
class LogSource {
 public:
  virtual ~LogSource() = default;

  // Calls `take` for each record of the scan, ordered by time; at one instant by seq, so that each producer's records
  // stay in their order (of different producers and jobs any may come first). `newest_first` gives the reverse. Stops
  // when take returns false. The record is gone when `take` returns. What is damaged is left out,
  // which the budget then says. kInvalid: a regex of the filter that RE2 does not take.
  virtual base::Status Read(const model::Scan& scan, base::Budget* budget,
                            const std::function<bool(const model::Record&)>& take) = 0;

  // Gives `take` the table of the scan's records; scan.limit and order do not apply. Here: by Read, row after row,
  // which is also what the answer of a faster one has to be.
  virtual base::Status Aggregate(const model::Scan& scan, const model::Aggregation& aggregation, base::Budget* budget,
                                 const model::TakeCells& take);

  // The templates of the scan's text lines, most frequent first. Here: by Read, row after row.
  virtual base::Result<std::vector<model::Pattern>> Patterns(const model::Scan& scan, base::Budget* budget);

  // Live: calls `take` with each batch as it is appended, on the appending thread: it must be quick and not call back.
  // One batch at a time: a scan finds it before `take` is called for it, and the next one only afterwards.
  // Returns a token for Unsubscribe, after which `take` is never called again.
  virtual uint64_t Subscribe(std::function<void(const std::shared_ptr<const model::RecordBatch>&)> take) = 0;
  virtual void Unsubscribe(uint64_t token) = 0;
};

}  // namespace rankscope::query
