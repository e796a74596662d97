#include "detect/batch_scale.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace rankscope::detect {
namespace {

using Speed = BatchScale::Speed;

struct Named {
  std::string_view metric;
  Speed speed;
};
constexpr std::array kSpeeds = {
    Named{"step_time_s", Speed::kStepTime},
    Named{"compute_time_s", Speed::kComputeTime},
    Named{"throughput_tokens_per_sec", Speed::kTokensPerSecond},
    Named{"samples_per_sec", Speed::kSamplesPerSecond},
};
constexpr double kFades = 1.0 / 1000;             // with each batch
constexpr double kFewTokens = 0.8, kHeavy = 1.2;  // of the usual
constexpr double kAsHeavy = 0.95;                 // what is as heavy as before; costs are learned bit by bit
constexpr double kMeasured = 64;                  // batches
constexpr int64_t kLately = 4;                    // steps

void Multiply(double factor, Point* point) {
  for (double* number : {&point->last, &point->min, &point->max, &point->mean}) *number *= factor;
}

}  // namespace

Speed BatchScale::SpeedOf(std::string_view metric) {
  for (const Named& known : kSpeeds) {
    if (known.metric == metric) return known.speed;
  }
  return Speed::kNone;
}

void BatchScale::Usual::Add(double value) {
  sum += value - kFades * sum;
  count += 1 - kFades * count;
}

void BatchScale::Take(int64_t step, const BatchWork& work) {
  tokens_.Add(work.tokens);
  double ratio = step_cost_.Ratio(work);
  bool goes_back = step < heaviest_.step - kLately;
  if (goes_back || step > heaviest_.step + kLately || ratio >= kAsHeavy * heaviest_.ratio) heaviest_ = {step, ratio};
}

void BatchScale::Scale(Speed speed, StepRow* row) {
  bool known = std::all_of(row->points.begin(), row->points.end(), [](const auto& each) { return each.batch; });
  if (!known) return;
  const BatchWork* heaviest = &*row->points.front().batch;
  for (const RankPoint& each : row->points) {
    if (step_cost_.Ratio(*each.batch) > step_cost_.Ratio(*heaviest)) heaviest = &*each.batch;
  }
  if (speed == Speed::kStepTime) step_cost_.Learn(*heaviest, row->Middle().mean);
  for (RankPoint& each : row->points) {
    if (speed == Speed::kComputeTime) compute_cost_.Learn(*each.batch, each.point.mean);
    // A measure, which stays what it is, as that of costs.
    bool measures = speed == Speed::kTokensPerSecond && counted_.count < kMeasured;
    if (measures) counted_.Add(each.batch->counted);
  }
  if (speed == Speed::kStepTime) step_cost_.Settle();
  if (speed == Speed::kComputeTime) compute_cost_.Settle();
  for (RankPoint& each : row->points) Multiply(FactorOf(speed, *each.batch, *heaviest), &each.point);
}

double BatchScale::FactorOf(Speed speed, const BatchWork& own, const BatchWork& heaviest) const {
  switch (speed) {
    case Speed::kComputeTime:
      return 1 / compute_cost_.Ratio(own);
    case Speed::kStepTime:
      return 1 / step_cost_.Ratio(heaviest);
    case Speed::kTokensPerSecond:
      return step_cost_.knows() ? step_cost_.Ratio(heaviest) * counted_.mean() / own.counted : 1;
    case Speed::kSamplesPerSecond:
      return step_cost_.Ratio(heaviest);
    case Speed::kNone:
      break;
  }
  return 1;
}

bool BatchScale::IsUnlike(const std::optional<BatchWork>& batch) const {
  return batch && (batch->tokens < kFewTokens * tokens_.mean() || heaviest_.ratio > kHeavy * step_cost_.UsualRatio());
}

}  // namespace rankscope::detect
