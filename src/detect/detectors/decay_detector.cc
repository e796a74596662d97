#include <algorithm>
#include <cmath>
#include <deque>

#include "detect/detectors/block_cutter.h"
#include "detect/detectors/detector.h"
#include "detect/detectors/trend.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

// At most so many blocks are kept; then two become one, so that a trend over hours is seen like one over minutes.
constexpr size_t kMostBlocks = 48;
constexpr double kAgreement = 0.6;
// Of the move: what comes to rest (caches fill, once) is no decay.
constexpr double kSecondHalf = 0.3;

// A level that sinks (or rises) slowly and steadily, by Theil-Sen over the medians of blocks. A single jump is none.
class DecayDetector : public Detector {
 public:
  explicit DecayDetector(const Parameters& p)
      : sign_(p.at("up") > 0 ? 1 : -1),
        margin_(p.at("margin")),
        least_(p.at("least")),
        jump_(p.at("jump")),
        fewest_(static_cast<size_t>(std::max(4.0, p.at("blocks")))),
        blocks_(static_cast<int64_t>(p.at("block"))) {}

  std::optional<Verdict> Take(const Point& point) override {
    if (auto block = blocks_.Take(point)) TakeBlock(block->median);
    if (!moves_) return std::nullopt;
    Verdict verdict;
    verdict.value = medians_.back();
    verdict.threshold = medians_[from_] + sign_ * Limit();
    verdict.why = (sign_ > 0 ? "rises steadily from " : "sinks steadily from ") + model::NumberText(medians_[from_]) +
                  " to " + model::NumberText(medians_.back());
    return verdict;
  }

 private:
  void TakeBlock(double median) {
    if (++inside_ < every_) return;
    inside_ = 0;
    medians_.push_back(median);
    if (medians_.size() > kMostBlocks) Thin();
    if (medians_.size() < fewest_) return;
    from_ = 0;
    moves_ = Moves();
    if (moves_) return;
    from_ = Furthest();
    moves_ = medians_.size() - from_ >= fewest_ && Moves();
  }

  // Whether the level has, from the block `from_` on.
  bool Moves() const {
    const auto first = medians_.begin() + static_cast<ptrdiff_t>(from_);
    Trend trend = TrendOf({first, medians_.end()});
    double moved = sign_ * trend.rise, second = sign_ * (medians_.back() - *(first + (medians_.end() - first) / 2));
    return moved > Limit() && sign_ * trend.agreement > kAgreement && trend.largest_jump < jump_ * moved &&
           second > kSecondHalf * moved;
  }

  // The block from which it has moved furthest: a run that becomes faster at first may be slowed down all the same.
  size_t Furthest() const {
    auto furthest = std::min_element(medians_.begin(), medians_.end(),
                                     [this](double a, double b) { return sign_ * a < sign_ * b; });
    return static_cast<size_t>(furthest - medians_.begin());
  }

  // By so much it has to have moved.
  double Limit() const { return std::max(least_, margin_ * std::fabs(medians_[from_])); }

  void Thin() {
    std::deque<double> kept;
    for (size_t i = 1; i < medians_.size(); i += 2) kept.push_back(medians_[i]);
    medians_ = std::move(kept);
    every_ *= 2;
  }

  const double sign_, margin_, least_, jump_;
  const size_t fewest_;
  BlockCutter blocks_;
  std::deque<double> medians_;
  size_t from_ = 0;                 // the block from which it is judged
  int64_t every_ = 1, inside_ = 0;  // of so many blocks one is kept
  bool moves_ = false;
};

}  // namespace

std::unique_ptr<Detector> MakeDecayDetector(const Parameters& parameters) {
  return std::make_unique<DecayDetector>(parameters);
}

}  // namespace rankscope::detect
