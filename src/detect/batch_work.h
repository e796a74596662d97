#pragma once

#include <array>
#include <deque>
#include <optional>

#include "detect/detectors/series_window.h"
#include "model/record_view.h"

namespace rankscope::detect {

// How much there is to compute in the batch of a step: linear layers cost by tokens, attention by the squares of the
// sequences' lengths.
struct BatchWork {
  double tokens = 0, squares = 0;
  double counted = 0;  // tokens as the rank's throughput counts them: mostly with the padding
  double rate = 0;  // of several steps: tokens in the time of the first batch, as throughput follows them; 0: not known
};

// What the lengths of sequences in a `batch` record come to; nothing: it names none.
std::optional<BatchWork> WorkOf(const model::RecordView& batch);

// The latest batches of one rank. Bounded.
class BatchLog {
 public:
  // The step's batch so far: with gradient accumulation it comes in parts.
  const BatchWork& Take(int64_t step, const BatchWork& work);
  // The mean of a record's steps; nothing: none of them is known.
  std::optional<BatchWork> Over(const Point& point) const;
  bool empty() const { return latest_.empty(); }
  // How often the rank came to a step before its last one, as after a checkpoint that it went back to.
  int64_t times_back() const { return times_back_; }

  struct Step {
    int64_t step;
    BatchWork work;
  };
  // By step.
  const std::deque<Step>& latest() const { return latest_; }

 private:
  std::deque<Step> latest_;
  int64_t times_back_ = 0;
};

// What batches cost, learned from all ranks of a job: seconds = a + b tokens + c squares, none of them negative, by
// least squares of relative errors that fade. So a batch is given more time only as far as its tokens and squares can
// explain it. Until batches have differed, a step is taken to cost by its tokens. O(1) for each.
class BatchCost {
 public:
  void Learn(const BatchWork& work, double seconds);
  // Takes what has been learned since the last call.
  void Settle();
  // How much longer the batch takes than the first one, which stays the measure: one that moved would move what is
  // measured by it. 1 while nothing is known.
  double Ratio(const BatchWork& work) const;
  // Likewise the usual one of the latest.
  double UsualRatio() const;
  bool knows() const { return learned_ > 0; }

 private:
  using Terms = std::array<double, 3>;  // tokens and squares, as shares of the first batch's, and 1
  Terms TermsOf(const BatchWork& work) const;
  double Predicted(const BatchWork& work) const;

  BatchWork first_;
  int64_t learned_ = 0;
  Terms cost_{};  // seconds for each term
  std::array<Terms, 3> products_{};
  Terms sums_{};
};

}  // namespace rankscope::detect
