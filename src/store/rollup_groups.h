#pragma once

#include <cstdint>
#include <vector>

#include "model/aggregation.h"
#include "store/groups.h"
#include "store/rollup.h"

namespace rankscope::store {

// Whether rollups know what the aggregation asks for: counts, sums, means and extremes of fields, not by steps and by
// no time finer than theirs.
bool RollupsAnswer(const model::Aggregation& aggregation);

// The groups of a rollup's cells. What it is given outlives it.
class RollupGroups {
 public:
  RollupGroups(const Segment& segment, const Rollup& rollup, Groups* groups)
      : segment_(segment), rollup_(rollup), groups_(groups) {}

  // False: fields stand in for a key in some record, whose rows must be looked at. REQUIRES RollupsAnswer of what the
  // groups are of.
  bool Prepare();
  // One a cell.
  std::vector<uint32_t> GroupsOf(const std::vector<const Rollup::Cell*>& cells);

 private:
  struct Dimension {
    std::vector<uint32_t> by_origin{}, by_shape{};  // both empty: it is time
    // By minutes since the first: ids, or kNone.
    std::vector<uint32_t> by_minute{};
  };
  static constexpr uint32_t kNone = ~uint32_t{0};

  uint32_t MinuteId(size_t dimension, int32_t minute);

  const Segment& segment_;
  const Rollup& rollup_;
  Groups* groups_;
  std::vector<Dimension> dimensions_;
};

}  // namespace rankscope::store
