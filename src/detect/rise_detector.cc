#include <algorithm>
#include <cmath>

#include "detect/block_cutter.h"
#include "detect/detector.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

// Divergence: the medians of some blocks in a row lie above the best one so far, by a share of it.
class RiseDetector : public Detector {
 public:
  explicit RiseDetector(const Parameters& p)
      : margin_(p.at("margin")),
        wanted_(static_cast<int>(p.at("blocks"))),
        blocks_(static_cast<int64_t>(p.at("block"))) {}

  std::optional<Verdict> Take(const Point& point) override {
    if (auto block = blocks_.Take(point)) TakeBlock(block->median);
    if (above_ < wanted_) return std::nullopt;
    Verdict verdict;
    verdict.value = last_;
    verdict.threshold = Limit();
    verdict.why = model::NumberText(last_) + " after a best level of " + model::NumberText(best_);
    return verdict;
  }

 private:
  double Limit() const { return best_ + margin_ * std::fabs(best_); }
  void TakeBlock(double median) {
    last_ = median;
    above_ = median > Limit() ? above_ + 1 : 0;
    best_ = std::min(best_, median);
  }

  const double margin_;
  const int wanted_;
  BlockCutter blocks_;
  double best_ = std::numeric_limits<double>::infinity(), last_ = 0;
  int above_ = 0;  // blocks in a row
};

}  // namespace

std::unique_ptr<Detector> MakeRiseDetector(const Parameters& parameters) {
  return std::make_unique<RiseDetector>(parameters);
}

}  // namespace rankscope::detect
