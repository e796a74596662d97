#pragma once

#include <memory>
#include <vector>

#include "model/aggregation.h"
#include "store/aggregate_state.h"
#include "store/column_cache.h"
#include "store/rollup.h"
#include "store/rollup_numbers.h"

namespace rankscope::store {

// What one aggregate asks of the cells of a rollup. What it is given outlives it; `cache` may be null.
class RollupValues {
 public:
  RollupValues(const Rollup& rollup, const model::Aggregate& aggregate, ColumnCache* cache)
      : rollup_(rollup), aggregate_(aggregate), cache_(cache) {}

  // Of cells with any of these shapes. False: the rollup does not know.
  bool Read(const std::vector<uint16_t>& shapes);
  void Give(const Rollup::Cell& cell, AggregateState* state) const;

 private:
  struct Column {
    bool there = false;
    std::shared_ptr<const RollupColumn> numbers{};  // null where they are only counted
  };
  bool ReadColumn(uint16_t schema);

  const Rollup& rollup_;
  const model::Aggregate& aggregate_;
  ColumnCache* cache_;
  std::vector<Column> columns_;  // by schema
};

}  // namespace rankscope::store
