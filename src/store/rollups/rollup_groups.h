#pragma once

#include <cstdint>
#include <vector>

#include "model/aggregation.h"
#include "store/aggregates/groups.h"
#include "store/rollups/rollup.h"

namespace rankscope::store {

// Whether rollups know what the aggregation asks for: counts, sums, means and extremes of fields, not by steps and by
// no time finer than theirs.
bool RollupsAnswer(const model::Aggregation& aggregation);

// Whether fields stand in for a key in some record of the header's, whose rows must then be looked at.
bool FieldsStandIn(const BlockHeader& header, const std::vector<model::GroupKey>& keys);

// The groups of a rollup's cells. What it is given outlives it.
class RollupGroups {
 public:
  // REQUIRES RollupsAnswer of what the groups are of, and no FieldsStandIn.
  RollupGroups(const Segment& segment, const Rollup& rollup, Groups* groups);

  // The numbers of the groups of the run's cells, overwritten by the next call.
  const std::vector<uint32_t>& Of(const Rollup::Run& run);

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};

  uint32_t MinuteId(size_t dimension, int32_t minute);

  const Segment& segment_;
  const Rollup& rollup_;
  Groups* groups_;
  // By dimension of time and minute since the rollup's first: ids, or kNone.
  std::vector<std::vector<uint32_t>> minute_ids_;
  std::vector<uint32_t> ids_, numbers_;
};

}  // namespace rankscope::store
