#pragma once

#include <memory>
#include <vector>

#include "base/budget.h"
#include "model/aggregation.h"
#include "store/block_piece.h"
#include "store/column_aggregator.h"
#include "store/scan_filter.h"

namespace rankscope::store {

// Aggregates the matching rows of blocks into *aggregator; what is damaged is left out, and reported. Where it takes
// long other threads help; the outcome, down to the last digit of a sum, does not depend on whether they do.
// False: the aggregation must go over records instead.
bool AggregatePieces(const std::vector<BlockPiece>& pieces, const model::Filter& filter, const ScanCaches& caches,
                     const model::Aggregation& aggregation, base::Budget* budget, ColumnAggregator* aggregator);

}  // namespace rankscope::store
