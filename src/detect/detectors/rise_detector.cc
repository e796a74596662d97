#include <algorithm>
#include <cmath>

#include "detect/detectors/block_cutter.h"
#include "detect/detectors/detector.h"
#include "detect/detectors/sorted_window.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

constexpr double kRange = 0.5;  // of the usual range of a block: a loss around zero rises by shares of nothing

// Divergence: the medians of some blocks in a row lie above the best one so far, by a share of it and by more than the
// series varies anyhow.
class RiseDetector : public Detector {
 public:
  explicit RiseDetector(const Parameters& p)
      : margin_(p.at("margin")),
        least_(p.at("least")),
        wanted_(static_cast<int>(p.at("blocks"))),
        blocks_(static_cast<int64_t>(p.at("block"))) {}

  std::optional<Verdict> Take(const Point& point) override {
    if (auto block = blocks_.Take(point)) TakeBlock(*block);
    if (above_ < wanted_) return std::nullopt;
    Verdict verdict;
    verdict.value = last_;
    verdict.threshold = Limit();
    verdict.why = model::NumberText(last_) + " after a best level of " + model::NumberText(best_);
    return verdict;
  }

 private:
  double Limit() const {
    double range = ranges_.size() > 0 ? ranges_.Median() : 0;
    return best_ + std::max({margin_ * std::fabs(best_), kRange * range, least_});
  }
  void TakeBlock(const BlockCutter::Block& block) {
    last_ = block.median;
    bool above = last_ > Limit();
    above_ = above ? above_ + 1 : 0;
    if (!above) ranges_.Add(block.ceiling - block.floor);
    best_ = std::min(best_, last_);
  }

  const double margin_, least_;
  const int wanted_;
  BlockCutter blocks_;
  double best_ = std::numeric_limits<double>::infinity(), last_ = 0;
  int above_ = 0;           // blocks in a row
  SortedWindow ranges_{8};  // of the blocks that were not above
};

}  // namespace

std::unique_ptr<Detector> MakeRiseDetector(const Parameters& parameters) {
  return std::make_unique<RiseDetector>(parameters);
}

}  // namespace rankscope::detect
