#include <algorithm>
#include <cmath>

#include "detect/detectors/detector.h"
#include "detect/detectors/sorted_window.h"
#include "detect/detectors/statistics.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

constexpr size_t kFewest = 16;

// A value far above the median of those before, by their MAD, by a share of the median and by `least`, for `confirm`
// steps in a row. Maxima are compared with maxima, so that the interval of the records does not matter.
class SpikeDetector : public Detector {
 public:
  explicit SpikeDetector(const Parameters& p)
      : z_(p.at("z")),
        margin_(p.at("margin")),
        least_(p.at("least")),
        confirm_(static_cast<int64_t>(p.at("confirm"))),
        window_(static_cast<size_t>(std::max(16.0, p.at("window")))) {}

  std::optional<Verdict> Take(const Point& point) override {
    if (!std::isfinite(point.max)) return std::nullopt;
    bool known = window_.size() >= kFewest;
    double median = known ? window_.Median() : 0;
    double limit = std::max(least_, margin_ * std::fabs(median));
    bool high = known && point.max - median > limit;  // cheaper than the other half
    double deviation = high ? window_.MedianDeviation() : 0;
    high = high && RobustZ(point.max, median, deviation) > z_;
    steps_ = high ? steps_ + StepsHigh(point) : 0;
    // What lasts is the new level.
    if (!high || steps_ > static_cast<int64_t>(kFewest)) Learn(point);
    if (!high || steps_ < confirm_) return std::nullopt;
    Verdict verdict;
    verdict.value = point.max;
    verdict.threshold = median + std::max(limit, z_ * deviation / 0.6745);
    verdict.why = model::NumberText(point.max) + " against a median of " + model::NumberText(median);
    return verdict;
  }

 private:
  void Learn(const Point& point) {
    window_.Add(point.max);
    if (point.steps > 1) means_.Add(point.mean);
  }

  // As many as would give the mean if each step were the extreme or like those before.
  int64_t StepsHigh(const Point& point) const {
    if (point.steps == 1 || means_.size() == 0) return 1;
    double usual = means_.Median(), share = (point.mean - usual) / (point.max - usual);
    return std::max<int64_t>(1, std::llround(share * point.steps));
  }

  const double z_, margin_, least_;
  const int64_t confirm_;
  SortedWindow window_;     // of maxima
  SortedWindow means_{16};  // of intervals of several steps
  int64_t steps_ = 0;       // high ones in a row
};

}  // namespace

std::unique_ptr<Detector> MakeSpikeDetector(const Parameters& parameters) {
  return std::make_unique<SpikeDetector>(parameters);
}

}  // namespace rankscope::detect
