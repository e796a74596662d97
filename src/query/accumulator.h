#pragma once

#include <memory>

#include "base/budget.h"
#include "model/aggregation.h"
#include "model/record_value.h"

namespace rankscope::query {

// Takes the values of one aggregate in one group and makes one of them (model::Aggregate says what each means).
class Accumulator {
 public:
  virtual ~Accumulator() = default;
  // Counts in `budget` what it keeps of the value, if it keeps it.
  virtual void Take(const model::ValueView& value, base::Budget* budget) = 0;
  virtual model::Cell Result() = 0;
};

std::unique_ptr<Accumulator> MakeAccumulator(const model::Aggregate& aggregate);

}  // namespace rankscope::query
