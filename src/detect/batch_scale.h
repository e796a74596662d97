#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "detect/batch_work.h"
#include "detect/heaviest_batches.h"
#include "detect/step_rows.h"

namespace rankscope::detect {

// Makes what ranks say of their speed comparable where their batches are known: as it would be with one and the same
// batch, so that nobody is slow for having got longer sequences. Ranks that train together all wait for the one with
// the most to compute: its batch scales times and throughputs of steps, each rank's own only what it computes itself.
class BatchScale {
 public:
  enum class Speed : uint8_t { kNone, kStepTime, kComputeTime, kTokensPerSecond, kSamplesPerSecond };
  // kNone: the metric is no speed.
  static Speed SpeedOf(std::string_view metric);

  // A rank's batch of a step, as far as it is known by now; how often the rank has gone back to an earlier one.
  void Take(int64_t step, const BatchWork& work, int64_t times_back);
  // BatchWork::rate of a rank's batches. A mean of throughputs is not the throughput of means: who has the heaviest
  // batch of a step has many tokens in a long time.
  double RateOf(const BatchLog& own, const Point& point) const;
  // Scales a row of the metric, and learns from it. One in which a rank's batch is not known stays as it is.
  void Scale(Speed speed, StepRow* row);
  // Makes a rank's throughput what it would be with the usual batch, where it is one over several steps, whose extremes
  // are those of their batches; marks it as unlike where the batch, or that of another rank at the same time, is so
  // unlike the usual ones that it says nothing by itself. `batch` is the mean of the point's steps.
  void TakeThroughput(const BatchWork& batch, Point* point) const;

 private:
  double FactorOf(Speed speed, const BatchWork& own, const BatchWork& heaviest) const;
  // REQUIRES that all batches of the row are known.
  BatchWork HeaviestOf(const StepRow& row) const;
  bool IsUnlike(const BatchWork& batch) const;

  BatchCost step_cost_, compute_cost_;
  // Means that fade; nothing of them is known at first.
  struct Usual {
    double sum = 0, count = 0;
    void Add(double value);
    double mean() const { return sum / count; }
  };
  Usual tokens_, counted_;  // lately; of the first ones
  HeaviestBatches heaviest_;
};

}  // namespace rankscope::detect
