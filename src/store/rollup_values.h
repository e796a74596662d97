#pragma once

#include <vector>

#include "model/aggregation.h"
#include "store/aggregate_state.h"
#include "store/rollup.h"

namespace rankscope::store {

// What one aggregate asks of the cells of a rollup. What it is given outlives it.
class RollupValues {
 public:
  RollupValues(const Rollup& rollup, const model::Aggregate& aggregate) : rollup_(rollup), aggregate_(aggregate) {}

  // Of cells with any of these shapes. False: the rollup does not know.
  bool Read(const std::vector<uint16_t>& shapes);
  void Give(const Rollup::Cell& cell, AggregateState* state) const;

 private:
  struct Column {
    bool there = false, whole = false;
    std::vector<long double> values{};  // none where they are only counted
  };
  bool ReadColumn(uint16_t schema);

  const Rollup& rollup_;
  const model::Aggregate& aggregate_;
  std::vector<Column> columns_;  // by schema
};

}  // namespace rankscope::store
