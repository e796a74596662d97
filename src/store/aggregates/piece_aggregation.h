#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/budget.h"
#include "model/aggregation.h"
#include "store/aggregates/block_piece.h"
#include "store/aggregates/column_aggregator.h"
#include "store/scan/scan_filter.h"

namespace rankscope::store {

// Aggregates the matching rows of blocks; what is damaged is left out, and reported. Where it takes long other threads
// help; the parts, and with them the last digit of a sum, do not depend on whether they do.
// Nothing: the aggregation must go over records instead.
using AggregatedParts = std::vector<std::unique_ptr<ColumnAggregator>>;
std::optional<AggregatedParts> AggregatePieces(std::vector<BlockPiece> pieces, const model::Filter& filter,
                                               const ScanCaches& caches, const model::Aggregation& aggregation,
                                               base::Budget* budget);

}  // namespace rankscope::store
