#include "detect/batch_work.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace rankscope::detect {
namespace {

constexpr size_t kMostSteps = 128;     // of a rank: more than an interval of 100
constexpr double kFades = 1.0 / 1000;  // with each batch: the usual is that of the last thousand
constexpr int64_t kFewest = 16;        // batches before what is far from them is doubted
constexpr double kMostSurprise = 2;    // times what was predicted
constexpr int kSweeps = 200;
constexpr double kLongestSequence = 1e9;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

double NumberIn(const model::FieldView& field) {
  bool whole = field.kind == model::FieldView::Kind::kInteger;
  return whole ? static_cast<double>(field.integer) : std::isfinite(field.number) ? field.number : 0;
}

}  // namespace

std::optional<BatchWork> WorkOf(const model::RecordView& batch) {
  const model::FieldView* lengths = batch.stream == model::Stream::kBatch ? batch.FindField("lengths") : nullptr;
  if (!lengths || !batch.step) return std::nullopt;
  BatchWork work;
  auto add = [&work](double length) {
    length = std::clamp(length, 0.0, kLongestSequence);
    work.tokens += length;
    work.squares += length * length;
  };
  if (lengths->kind != model::FieldView::Kind::kText) add(NumberIn(*lengths));
  const char *at = lengths->text.data(), *end = at + lengths->text.size();
  while ((at = std::find_if(at, end, IsDigit)) != end) {
    double length = 0;
    at = std::from_chars(at, end, length).ptr;
    add(length);
  }
  work.counted = work.tokens;
  return work.tokens > 0 ? std::optional(work) : std::nullopt;
}

const BatchWork& BatchLog::Take(int64_t step, const BatchWork& work) {
  if (!latest_.empty() && step < latest_.back().step) {
    ++times_back_;
    latest_.clear();
  }
  if (!latest_.empty() && step == latest_.back().step) {
    latest_.back().work.tokens += work.tokens;
    latest_.back().work.squares += work.squares;
    latest_.back().work.counted += work.counted;
    return latest_.back().work;
  }
  latest_.push_back({step, work});
  if (latest_.size() > kMostSteps) latest_.pop_front();
  return latest_.back().work;
}

std::optional<BatchWork> BatchLog::Over(const Point& point) const {
  if (!point.step) return std::nullopt;
  BatchWork sum;
  double count = 0;
  for (auto each = latest_.rbegin(); each != latest_.rend() && each->step > *point.step - point.steps; ++each) {
    if (each->step > *point.step) continue;
    sum.tokens += each->work.tokens;
    sum.squares += each->work.squares;
    sum.counted += each->work.counted;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return BatchWork{.tokens = sum.tokens / count, .squares = sum.squares / count, .counted = sum.counted / count};
}

BatchCost::Terms BatchCost::TermsOf(const BatchWork& work) const {
  return {work.tokens / first_.tokens, work.squares / first_.squares, 1};
}

double BatchCost::Predicted(const BatchWork& work) const {
  Terms terms = TermsOf(work);
  return cost_[0] * terms[0] + cost_[1] * terms[1] + cost_[2] * terms[2];
}

void BatchCost::Learn(const BatchWork& work, double seconds) {
  if (!std::isfinite(seconds) || seconds <= 0) return;
  if (++learned_ == 1) {
    first_ = work;
    cost_ = {seconds, 0, 0};
  }
  double predicted = Predicted(work);
  if (learned_ > kFewest) seconds = std::clamp(seconds, predicted / kMostSurprise, predicted * kMostSurprise);
  Terms terms = TermsOf(work);
  const double weight = 1 / (seconds * seconds);  // errors count as shares, so that slow first steps count for little
  for (size_t i = 0; i < terms.size(); ++i) {
    for (size_t j = 0; j < terms.size(); ++j) {
      products_[i][j] += weight * terms[i] * terms[j] - kFades * products_[i][j];
    }
    sums_[i] += weight * terms[i] * seconds - kFades * sums_[i];
  }
}

// Coordinate descent from where the costs were, each kept from becoming negative; what cannot be told apart goes to the
// tokens.
void BatchCost::Settle() {
  if (learned_ == 0) return;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    for (size_t i = 0; i < cost_.size(); ++i) {
      double residual = sums_[i];
      for (size_t j = 0; j < cost_.size(); ++j) residual -= products_[i][j] * cost_[j];
      cost_[i] = std::max(0.0, cost_[i] + residual / products_[i][i]);
    }
  }
}

double BatchCost::Ratio(const BatchWork& work) const {
  if (learned_ == 0) return 1;
  double ratio = Predicted(work) / (cost_[0] + cost_[1] + cost_[2]);
  return std::isfinite(ratio) && ratio > 0 ? ratio : 1;
}

double BatchCost::UsualRatio() const {
  if (learned_ == 0) return 1;
  const Terms& sums = products_[2];  // of each term, and of how many batches
  return Ratio({first_.tokens * sums[0] / sums[2], first_.squares * sums[1] / sums[2], 0});
}

}  // namespace rankscope::detect
