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
constexpr double kMeasured = 64;                  // batches

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

void BatchScale::Take(int64_t step, const BatchWork& work, int64_t times_back) {
  heaviest_.Take(step, work, step_cost_.Ratio(work), times_back);
}

double BatchScale::RateOf(const BatchLog& own, const Point& point) const {
  if (!point.step || point.steps == 1 || !step_cost_.knows()) return 0;
  double sum = 0;
  int64_t known = 0;
  for (auto each = own.latest().rbegin(); each != own.latest().rend() && each->step > *point.step - point.steps;
       ++each) {
    const BatchWork* heaviest = each->step <= *point.step ? heaviest_.At(each->step) : nullptr;
    if (!heaviest) continue;
    double ratio = step_cost_.Ratio(*heaviest);
    // Not all have told their batch of the last one.
    if (each->step == *point.step) ratio = std::max(ratio, step_cost_.UsualRatio());
    sum += each->work.tokens / ratio;
    ++known;
  }
  return known == point.steps ? sum / static_cast<double>(known) : 0;
}

// Each step waited for its own heaviest one, whoever's that was.
BatchWork BatchScale::HeaviestOf(const StepRow& row) const {
  if (auto known = heaviest_.Over(row.points.front().point)) return *known;
  auto lighter = [this](const RankPoint& a, const RankPoint& b) {
    return step_cost_.Ratio(*a.batch) < step_cost_.Ratio(*b.batch);
  };
  return *std::max_element(row.points.begin(), row.points.end(), lighter)->batch;
}

void BatchScale::Scale(Speed speed, StepRow* row) {
  bool known = std::all_of(row->points.begin(), row->points.end(), [](const auto& each) { return each.batch; });
  if (!known) return;
  const BatchWork heaviest = HeaviestOf(*row);
  if (speed == Speed::kStepTime) step_cost_.Learn(heaviest, row->Middle().mean);
  for (RankPoint& each : row->points) {
    if (speed == Speed::kTokensPerSecond) tokens_.Add(each.batch->tokens);
    if (speed == Speed::kComputeTime) compute_cost_.Learn(*each.batch, each.point.mean);
    // A measure, which stays what it is, as that of costs.
    bool measures = speed == Speed::kTokensPerSecond && counted_.count < kMeasured;
    if (measures) counted_.Add(each.batch->counted);
  }
  if (speed == Speed::kStepTime) step_cost_.Settle();
  if (speed == Speed::kComputeTime) compute_cost_.Settle();
  for (RankPoint& each : row->points) Multiply(FactorOf(speed, *each.batch, heaviest), &each.point);
}

double BatchScale::FactorOf(Speed speed, const BatchWork& own, const BatchWork& heaviest) const {
  switch (speed) {
    case Speed::kComputeTime:
      return 1 / compute_cost_.Ratio(own);
    case Speed::kStepTime:
      return 1 / step_cost_.Ratio(heaviest);
    case Speed::kTokensPerSecond:
      if (own.rate > 0) return counted_.mean() / own.rate;
      return step_cost_.knows() ? step_cost_.Ratio(heaviest) * counted_.mean() / own.counted : 1;
    case Speed::kSamplesPerSecond:
      return step_cost_.Ratio(heaviest);
    case Speed::kNone:
      break;
  }
  return 1;
}

// Which batch was the heaviest of one step is known only once all ranks have reported it: of several steps it is of all
// but the last.
void BatchScale::TakeThroughput(const BatchWork& batch, Point* point) const {
  if (batch.rate == 0 || counted_.count == 0) {
    point->unlike = point->steps > 1 || IsUnlike(batch);
    return;
  }
  point->last = point->min = point->max = point->mean = point->mean * counted_.mean() / batch.rate;
}

bool BatchScale::IsUnlike(const BatchWork& batch) const {
  return batch.tokens < kFewTokens * tokens_.mean() || heaviest_.Lately() > kHeavy * step_cost_.UsualRatio();
}

}  // namespace rankscope::detect
