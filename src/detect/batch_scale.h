#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "detect/batch_work.h"
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

  // A rank's batch of a step.
  void Take(int64_t step, const BatchWork& work);
  // Scales a row of the metric, and learns from it. One in which a rank's batch is not known stays as it is.
  void Scale(Speed speed, StepRow* row);
  // Whether the batch, or that of another rank at the same time, is so unlike the usual ones that the rank's throughput
  // says nothing by itself.
  bool IsUnlike(const std::optional<BatchWork>& batch) const;

 private:
  double FactorOf(Speed speed, const BatchWork& own, const BatchWork& heaviest) const;

  BatchCost step_cost_, compute_cost_;
  // Means that fade; nothing of them is known at first.
  struct Usual {
    double sum = 0, count = 0;
    void Add(double value);
    double mean() const { return sum / count; }
  };
  Usual tokens_, counted_;  // lately; of the first ones
  struct Heaviest {
    int64_t step = INT64_MIN / 2;
    double ratio = 1;
  };
  Heaviest heaviest_;  // lately
};

}  // namespace rankscope::detect
