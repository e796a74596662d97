#include "detect/heaviest_batches.h"

#include <algorithm>
#include <utility>

namespace rankscope::detect {
namespace {

constexpr size_t kMostSteps = 128;  // more than an interval of 100
constexpr int64_t kLately = 4;      // steps by which ranks may be apart

}  // namespace

void HeaviestBatches::ForgetFrom(int64_t step) {
  while (!latest_.empty() && latest_.back().step >= step) latest_.pop_back();
}

void HeaviestBatches::Take(int64_t step, const BatchWork& work, double ratio, int64_t times_back) {
  if (times_back > times_back_) {
    times_back_ = times_back;
    ForgetFrom(step);
  }
  auto place = latest_.end();
  while (place != latest_.begin() && (place - 1)->step >= step) --place;
  if (place == latest_.end() || place->step != step) {
    latest_.insert(place, {step, work, ratio});
    if (latest_.size() > kMostSteps) latest_.pop_front();
  } else if (std::pair(ratio, work.tokens) > std::pair(place->ratio, place->work.tokens)) {
    *place = {step, work, ratio};
  }
}

std::optional<BatchWork> HeaviestBatches::Over(const Point& point) const {
  if (!point.step) return std::nullopt;
  auto behind = [](int64_t step, const Step& each) { return step < each.step; };
  auto begin = std::upper_bound(latest_.begin(), latest_.end(), *point.step - point.steps, behind);
  auto end = std::upper_bound(begin, latest_.end(), *point.step, behind);
  if (end - begin != point.steps) return std::nullopt;
  BatchWork sum;
  for (auto each = begin; each != end; ++each) {
    sum.tokens += each->work.tokens;
    sum.squares += each->work.squares;
    sum.counted += each->work.counted;
  }
  auto count = static_cast<double>(point.steps);
  return BatchWork{.tokens = sum.tokens / count, .squares = sum.squares / count, .counted = sum.counted / count};
}

const BatchWork* HeaviestBatches::At(int64_t step) const {
  auto before = [](const Step& each, int64_t wanted) { return each.step < wanted; };
  auto found = std::lower_bound(latest_.begin(), latest_.end(), step, before);
  return found != latest_.end() && found->step == step ? &found->work : nullptr;
}

double HeaviestBatches::Lately() const {
  if (latest_.empty()) return 1;
  double most = 0;
  for (auto each = latest_.rbegin(); each != latest_.rend() && each->step >= latest_.back().step - kLately; ++each) {
    most = std::max(most, each->ratio);
  }
  return most;
}

}  // namespace rankscope::detect
