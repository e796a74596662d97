#include "store/aggregates/aggregate_state.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rankscope::store {
namespace {

using Function = model::Aggregate::Function;

}  // namespace

bool FitsInt64(long double value) { return value >= -0x1p63L && value < 0x1p63L; }

// An addition waits for the one before it: four sums at a time do not. Not an array of them, which would be in memory.
long double SumOf(const double* values, size_t count) {
  long double a = 0, b = 0, c = 0, d = 0;
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    a += values[i];
    b += values[i + 1];
    c += values[i + 2];
    d += values[i + 3];
  }
  for (; i < count; ++i) a += values[i];
  return (a + b) + (c + d);
}

void AggregateState::Take(Function function, int64_t value) {
  if (function == Function::kNonfinite) return;
  ++count_;
  if (function == Function::kSum || function == Function::kAvg) {
    Add(static_cast<long double>(value), /*whole=*/true);
  } else if (function == Function::kMin || function == Function::kMax) {
    Widen(function, static_cast<long double>(value), /*whole=*/true);
  } else if (function == Function::kQuantile) {
    GetMore()->values.push_back(static_cast<double>(value));
  }
}

void AggregateState::Take(Function function, double value) {
  if (function == Function::kNonfinite) return Count(std::isfinite(value) ? 0 : 1);
  ++count_;
  if (function == Function::kSum || function == Function::kAvg) {
    Add(value, /*whole=*/false);
  } else if (std::isnan(value)) {
    any_nan_ = 1;
  } else if (function == Function::kMin || function == Function::kMax) {
    Widen(function, value, /*whole=*/false);
  } else if (function == Function::kQuantile) {
    GetMore()->values.push_back(value);
  }
}

void AggregateState::Take(Function function, const int64_t* values, size_t count) {
  if (function == Function::kCount) return Count(count);
  for (size_t i = 0; i < count; ++i) Take(function, values[i]);
}

void AggregateState::Take(Function function, const double* values, size_t count) {
  if (count == 0) return;
  if (function == Function::kCount) return Count(count);
  if (function == Function::kSum || function == Function::kAvg) {
    Count(count);
    Add(SumOf(values, count), /*whole=*/false);
  } else {
    for (size_t i = 0; i < count; ++i) Take(function, values[i]);
  }
}

void AggregateState::TakeTogether(Function function, uint64_t count, long double outcome, bool whole) {
  Count(count);
  if (function == Function::kSum || function == Function::kAvg) {
    Add(outcome, whole);
  } else if (function == Function::kMin || function == Function::kMax) {
    Widen(function, outcome, whole);
  }
}

void AggregateState::Add(long double value, bool whole) {
  value_ += value;
  whole_ = whole_ && whole && FitsInt64(value_);
}

void AggregateState::Widen(Function function, long double number, bool whole) {
  bool better = function == Function::kMin ? number < value_ : number > value_;
  if (any_number_ && !better) return;
  value_ = number;
  whole_ = whole;
  any_number_ = 1;
}

void AggregateState::TakeAt(Function function, const Moment& moment, model::Cell value) {
  bool fresh = !more_;
  More* more = GetMore();
  bool better = function == Function::kFirst ? moment < more->moment : moment >= more->moment;
  if (!fresh && !better) return;
  more->moment = moment;
  more->edge = std::move(value);
}

AggregateState::More* AggregateState::GetMore() {
  if (!more_) more_ = std::make_unique<More>();
  return more_.get();
}

size_t AggregateState::BytesOf(Function function) {
  bool edge = function == Function::kFirst || function == Function::kLast;
  return sizeof(AggregateState) + (edge ? sizeof(More) : 0);
}

void AggregateState::Join(Function function, const AggregateState& other) {
  if (other.more_ && (function == Function::kFirst || function == Function::kLast)) {
    return TakeAt(function, other.more_->moment, other.more_->edge);
  }
  count_ += other.count_;
  any_nan_ = any_nan_ || other.any_nan_;
  if (function == Function::kSum || function == Function::kAvg) {
    Add(other.value_, other.whole_);
  } else if (other.any_number_) {
    Widen(function, other.value_, other.whole_);
  }
  if (!other.more_) return;
  auto& values = GetMore()->values;
  values.insert(values.end(), other.more_->values.begin(), other.more_->values.end());
}

model::Cell AggregateState::Outcome(const model::Aggregate& aggregate) const {
  if (aggregate.function == Function::kCount || aggregate.function == Function::kNonfinite) {
    return static_cast<int64_t>(count_);
  }
  if (more_ && (aggregate.function == Function::kFirst || aggregate.function == Function::kLast)) return more_->edge;
  if (count_ == 0) return {};
  switch (aggregate.function) {
    case Function::kSum:
      return whole_ ? model::Cell(static_cast<int64_t>(value_)) : model::Cell(static_cast<double>(value_));
    case Function::kAvg:
      return static_cast<double>(value_ / static_cast<long double>(count_));
    case Function::kMin:
    case Function::kMax:
      if (!any_number_) return any_nan_ ? model::Cell(std::numeric_limits<double>::quiet_NaN()) : model::Cell();
      if (aggregate.field == "timestamp") return model::Time{static_cast<int64_t>(value_)};
      return whole_ ? model::Cell(static_cast<int64_t>(value_)) : model::Cell(static_cast<double>(value_));
    default:
      return more_ ? Quantile(aggregate.argument) : model::Cell();
  }
}

model::Cell AggregateState::Quantile(double argument) const {
  std::vector<double> values = more_->values;
  std::sort(values.begin(), values.end());
  double place = argument * static_cast<double>(values.size() - 1);
  auto below = static_cast<size_t>(place);
  if (below + 1 >= values.size()) return values.back();
  double share = place - static_cast<double>(below), low = values[below], high = values[below + 1];
  // Between equal infinities there is no way.
  return share == 0 || low == high ? low : low + (high - low) * share;
}

}  // namespace rankscope::store
