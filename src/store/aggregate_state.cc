#include "store/aggregate_state.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rankscope::store {

using Function = model::Aggregate::Function;

void AggregateState::Take(Function function, int64_t value) {
  if (function == Function::kQuantile) Values()->push_back(static_cast<double>(value));
  Widen(static_cast<long double>(value), /*whole=*/true);
  ++count_;
  sum_ += static_cast<long double>(value);
  if (whole_ && __builtin_add_overflow(whole_sum_, value, &whole_sum_)) whole_ = false;
}

void AggregateState::Take(Function function, double value) {
  ++count_;
  sum_ += value;
  whole_ = false;
  if (std::isnan(value)) {
    any_nan_ = true;
    return;
  }
  if (function == Function::kQuantile) Values()->push_back(value);
  Widen(static_cast<long double>(value), /*whole=*/false);
}

void AggregateState::Take(Function function, const double* values, size_t count) {
  if (function != Function::kAvg && function != Function::kSum) {
    for (size_t i = 0; i < count; ++i) Take(function, values[i]);
    return;
  }
  if (count > 0) whole_ = false;
  count_ += count;
  long double sum = sum_;
  for (size_t i = 0; i < count; ++i) sum += values[i];
  sum_ = sum;
}

std::vector<double>* AggregateState::Values() {
  if (!values_) values_ = std::make_unique<std::vector<double>>();
  return values_.get();
}

void AggregateState::Widen(long double number, bool whole) {
  if (!any_number_ || number < low_) {
    low_ = number;
    low_whole_ = whole;
  }
  if (!any_number_ || number > high_) {
    high_ = number;
    high_whole_ = whole;
  }
  any_number_ = true;
}

void AggregateState::Join(const AggregateState& other) {
  count_ += other.count_;
  sum_ += other.sum_;
  whole_ = whole_ && other.whole_ && !__builtin_add_overflow(whole_sum_, other.whole_sum_, &whole_sum_);
  any_nan_ = any_nan_ || other.any_nan_;
  if (other.any_number_) {
    Widen(other.low_, other.low_whole_);
    Widen(other.high_, other.high_whole_);
  }
  if (other.values_) Values()->insert(Values()->end(), other.values_->begin(), other.values_->end());
}

model::Cell AggregateState::Outcome(const model::Aggregate& aggregate) const {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  switch (aggregate.function) {
    case Function::kCount:
      return static_cast<int64_t>(count_);
    case Function::kSum:
      if (count_ == 0) return {};
      return whole_ ? model::Cell(whole_sum_) : model::Cell(static_cast<double>(sum_));
    case Function::kAvg:
      return count_ == 0 ? model::Cell() : model::Cell(static_cast<double>(sum_ / static_cast<long double>(count_)));
    case Function::kMin:
    case Function::kMax: {
      bool low = aggregate.function == Function::kMin;
      if (!any_number_) return any_nan_ ? model::Cell(kNan) : model::Cell();
      long double extreme = low ? low_ : high_;
      bool whole = low ? low_whole_ : high_whole_;
      return whole ? model::Cell(static_cast<int64_t>(extreme)) : model::Cell(static_cast<double>(extreme));
    }
    default:
      break;
  }
  if (!values_) return {};
  std::vector<double> values = *values_;
  std::sort(values.begin(), values.end());
  double place = aggregate.argument * static_cast<double>(values.size() - 1);
  auto below = static_cast<size_t>(place);
  if (below + 1 >= values.size()) return values.back();
  double share = place - static_cast<double>(below), low = values[below], high = values[below + 1];
  // Between equal infinities there is no way.
  return share == 0 || low == high ? low : low + (high - low) * share;
}

}  // namespace rankscope::store
