#pragma once

#include <deque>
#include <optional>

#include "detect/batch_work.h"

namespace rankscope::detect {

// The heaviest batch of any rank at each of the latest steps: the one for which all ranks wait. Bounded.
class HeaviestBatches {
 public:
  // `ratio`: what it costs, by what is known of costs now; of batches that cost the same the one of more tokens counts.
  // `times_back`: how often its rank has gone back to an earlier step. The first that goes back once more takes all
  // back that was done from that step on; who is merely behind the others does not.
  void Take(int64_t step, const BatchWork& work, double ratio, int64_t times_back);
  // The mean of those of a record's steps; nothing: not all of them are known.
  std::optional<BatchWork> Over(const Point& point) const;
  // The one of a step; null: it is not known.
  const BatchWork* At(int64_t step) const;
  // The highest ratio of the latest few steps: ranks are not all at the same one. 1 while nothing is known.
  double Lately() const;

 private:
  struct Step {
    int64_t step;
    BatchWork work;
    double ratio;
  };
  void ForgetFrom(int64_t step);

  std::deque<Step> latest_;  // by step
  int64_t times_back_ = 0;
};

}  // namespace rankscope::detect
