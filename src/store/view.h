#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/budget.h"
#include "model/aggregation.h"
#include "model/scan.h"
#include "store/aggregates/block_piece.h"
#include "store/memtable.h"
#include "store/scan/scan_filter.h"

namespace rankscope::store {

// What a scan may have to look at, as it was at one moment: later sealing, merging and deleting do not change it.
struct View {
  std::vector<BlockPiece> pieces;  // in order of arrival
  Batches batches;
};

// The segments' blocks that the filter's times and jobs do not rule out, and all of the batches. Segments are those of
// one project.
View MakeView(const std::vector<LiveSegment>& segments, Batches batches, const model::Scan& scan,
              const ScanFilter& filter);
// Tells the budget what the scan lacks of the segments that cannot be read.
void LeaveOut(const std::map<std::string, base::Status>& unreadable, const model::Scan& scan, const ScanFilter& filter,
              base::Budget* budget);

// As Store::Read.
void ReadView(const View& view, const model::Scan& scan, const ScanFilter& filter, base::Budget* budget,
              const std::function<bool(const model::Record&)>& take);
// As Store::Aggregate.
bool AggregateView(View view, const model::Scan& scan, const ScanFilter& filter, const model::Aggregation& aggregation,
                   base::Budget* budget, const model::TakeCells& take);

}  // namespace rankscope::store
