#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/budget.h"
#include "model/record_batch.h"
#include "model/scan.h"
#include "store/scan/scan_filter.h"

namespace rankscope::store {

// The order of records: by time, then number, then rank, then arrival.
struct RowKey {
  base::TimeNs time = 0;
  uint64_t seq = 0;
  int32_t rank = -1;
  auto operator<=>(const RowKey&) const = default;
};

// Where matching records come from in order: a block, or the memory. What is damaged is left out. One thread.
class RowSource {
 public:
  virtual ~RowSource() = default;
  // The key of the next record; or only a time that it does not come before (after, newest first), with *exact false.
  // False at the end.
  virtual bool Peek(RowKey* key, bool* exact) = 0;
  // REQUIRES Peek said true. Null: the key was a bound, or the row could not be read; Peek again.
  virtual const model::Record* Next() = 0;
};

std::unique_ptr<RowSource> MakeBlockSource(std::shared_ptr<const Segment> segment, size_t block,
                                           std::shared_ptr<const TemplateDictionary> dictionary,
                                           const ScanFilter* filter, const model::Scan& scan, base::Budget* budget);
std::unique_ptr<RowSource> MakeMemorySource(const std::vector<std::shared_ptr<const model::RecordBatch>>& batches,
                                            const ScanFilter* filter, const model::Scan& scan, base::Budget* budget);

// Sources in order of arrival: among equal keys the earlier source comes first (newest first: last). Ends when `take`
// returns false, the scan's limit is reached, or the budget is spent.
void MergeSources(std::vector<std::unique_ptr<RowSource>> sources, const model::Scan& scan, base::Budget* budget,
                  const std::function<bool(const model::Record&)>& take);

}  // namespace rankscope::store
