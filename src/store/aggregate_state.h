#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/aggregation.h"

namespace rankscope::store {

// What one aggregate of one group has seen: count, sum, avg, min, max or quantile.
class AggregateState {
 public:
  // Values that are there but no numbers, or rows without any.
  void Count(uint64_t count) { count_ += count; }
  void Take(model::Aggregate::Function function, int64_t value);
  void Take(model::Aggregate::Function function, double value);
  // The same for each of them.
  void Take(model::Aggregate::Function function, const double* values, size_t count);

  // What another state of the same group and aggregate has seen.
  void Join(const AggregateState& other);
  model::Cell Outcome(const model::Aggregate& aggregate) const;

 private:
  void Widen(long double number, bool whole);

  std::vector<double>* Values();

  uint64_t count_ = 0;
  int64_t whole_sum_ = 0;
  long double sum_ = 0;
  // Wide enough for each int64_t as well as each double; whole: an integer it was.
  long double low_ = 0, high_ = 0;
  bool whole_ = true, low_whole_ = false, high_whole_ = false;
  bool any_number_ = false, any_nan_ = false;
  std::unique_ptr<std::vector<double>> values_;  // of quantiles
};

}  // namespace rankscope::store
