#include <algorithm>
#include <cmath>
#include <deque>

#include "detect/detectors/block_cutter.h"
#include "detect/detectors/detector.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

constexpr size_t kBlocks = 20;
constexpr size_t kCompared = 5;

// Nothing is gained any more: over so many steps the level falls by less than a share of itself.
class PlateauDetector : public Detector {
 public:
  explicit PlateauDetector(const Parameters& p)
      : steps_(p.at("steps")),
        gain_(p.at("gain")),
        blocks_(std::max<int64_t>(1, static_cast<int64_t>(p.at("steps")) / static_cast<int64_t>(kBlocks))) {}

  std::optional<Verdict> Take(const Point& point) override {
    if (auto block = blocks_.Take(point)) TakeBlock(block->median);
    if (!flat_) return std::nullopt;
    Verdict verdict;
    verdict.value = after_;
    verdict.threshold = before_ - gain_ * std::fabs(before_);
    verdict.why = model::NumberText(before_) + " became " + model::NumberText(after_) + " in " +
                  model::NumberText(steps_) + " steps";
    return verdict;
  }

 private:
  void TakeBlock(double median) {
    medians_.push_back(median);
    if (medians_.size() > kBlocks) medians_.pop_front();
    if (medians_.size() < kBlocks) return;
    std::vector<double> first(medians_.begin(), medians_.begin() + kCompared);
    std::vector<double> last(medians_.end() - kCompared, medians_.end());
    before_ = Median(&first);
    after_ = Median(&last);
    flat_ = before_ - after_ < gain_ * std::fabs(before_);
  }

  const double steps_, gain_;
  BlockCutter blocks_;
  std::deque<double> medians_;
  double before_ = 0, after_ = 0;
  bool flat_ = false;
};

}  // namespace

std::unique_ptr<Detector> MakePlateauDetector(const Parameters& parameters) {
  return std::make_unique<PlateauDetector>(parameters);
}

}  // namespace rankscope::detect
