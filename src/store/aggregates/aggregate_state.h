#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/aggregation.h"

namespace rankscope::store {

// The sum of doubles as all states make it.
long double SumOf(const double* values, size_t count);
// Whether a sum of integers is one still.
bool FitsInt64(long double value);

// What one aggregate of one group has seen: all but count_distinct. There are as many as an answer has rows, and more:
// it is small. Each call names the same function.
class AggregateState {
 public:
  using Function = model::Aggregate::Function;

  // When a record was written, among those of its producer.
  struct Moment {
    base::TimeNs time = 0;
    uint64_t seq = 0;
    auto operator<=>(const Moment&) const = default;
  };

  // Values that are there but no numbers, or rows without any.
  void Count(uint64_t count) { count_ += count; }
  void Take(Function function, int64_t value);
  void Take(Function function, double value);
  // The same for each of them.
  void Take(Function function, const int64_t* values, size_t count);
  void Take(Function function, const double* values, size_t count);
  // A value of whatever sort, for kFirst and kLast alone. One of the same moment comes after those that were taken.
  void TakeAt(Function function, const Moment& moment, model::Cell value);
  // The same for numbers, none of them NaN, of which their sum is known, or for kMin and kMax the least or greatest;
  // `whole`: they are integers. REQUIRES one of these two, or kCount, kSum, kAvg.
  void TakeTogether(Function function, uint64_t count, long double outcome, bool whole);

  // What another state of the same group and aggregate has seen.
  void Join(Function function, const AggregateState& other);
  model::Cell Outcome(const model::Aggregate& aggregate) const;

  // What a state takes of memory, without values of quantiles and texts.
  static size_t BytesOf(Function function);

 private:
  // Beyond a count and a number.
  struct More {
    std::vector<double> values{};  // of quantiles
    Moment moment{};               // of the first or last value,
    model::Cell edge{};            // which is there
  };

  void Add(long double value, bool whole);
  void Widen(Function function, long double number, bool whole);
  More* GetMore();
  model::Cell Quantile(double argument) const;

  uint64_t count_ : 60 = 0;
  uint64_t whole_ : 1 = 1;  // of sums: all were integers and their sum is an int64; of extremes: it was an integer
  uint64_t any_number_ : 1 = 0;
  uint64_t any_nan_ : 1 = 0;
  std::unique_ptr<More> more_;
  // The sum, or the extreme. Wide enough for each int64_t as well as each double.
  long double value_ = 0;
};

}  // namespace rankscope::store
