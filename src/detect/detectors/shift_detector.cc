#include <algorithm>
#include <cmath>
#include <deque>

#include "detect/detectors/detector.h"
#include "detect/detectors/sorted_window.h"
#include "detect/detectors/statistics.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

constexpr size_t kFewest = 20;        // of the reference
constexpr size_t kCompared = 5;       // latest points, whose median is verified
constexpr double kLeastNoise = 0.01;  // of the median: steadier series are not believed
constexpr double kUncertainty = 2.5;  // sigmas by which the median of the last points may err
constexpr double kFew = 10;           // so many points more than there are would tell sigma well
constexpr double kMadToSigma = 1.4826;
constexpr uint64_t kRefresh = 8;  // points after which the reference is measured anew: it changes slowly

// A lasting change of level, by Page's cumulative sum of clipped z, verified by the medians before and after. The
// reference lags behind, so that it does not follow a slow ramp at once, and stands still during an alarm.
class ShiftDetector : public Detector {
 public:
  explicit ShiftDetector(const Parameters& p)
      : sign_(p.at("up") > 0 ? 1 : -1),
        k_(p.at("k")),
        h_(p.at("h")),
        clip_(p.at("clip")),
        margin_(p.at("margin")),
        lag_(static_cast<size_t>(p.at("window")) / 2),
        keep_(static_cast<int64_t>(p.at("keep"))),
        reference_(static_cast<size_t>(std::max(20.0, p.at("window")))) {}

  std::optional<Verdict> Take(const Point& point) override {
    if (!std::isfinite(point.mean)) return std::nullopt;
    recent_.push_back(point.mean);
    if (recent_.size() > kCompared) recent_.pop_front();
    if (!holds_) Learn(point.mean);
    if (reference_.size() < kFewest) return std::nullopt;
    if (!holds_) Accumulate(point.mean);
    if (!holds_ && sum_ <= h_) return std::nullopt;
    double now = RecentMedian();
    Decide(sign_ * (now - level_) / std::max(std::fabs(level_), 1e-300));
    if (!holds_) return std::nullopt;
    Verdict verdict;
    verdict.value = now;
    verdict.threshold = level_ * (1 + sign_ * margin_);
    verdict.why = model::NumberText(now) + " instead of " + model::NumberText(level_);
    return verdict;
  }

 private:
  void Learn(double value) {
    queue_.push_back(value);
    bool young = reference_.size() < kFewest;
    if (queue_.size() <= (young ? size_t{0} : lag_)) return;
    reference_.Add(queue_.front());
    queue_.pop_front();
    if (young || ++added_ % kRefresh == 0) Measure();
  }

  void Measure() {
    level_ = reference_.Median();
    double few = 1 + kFew / static_cast<double>(reference_.size());
    sigma_ = std::max({few * kMadToSigma * reference_.MedianDeviation(), kLeastNoise * std::fabs(level_), 1e-300});
  }

  void Accumulate(double value) {
    double z = std::clamp(sign_ * (value - level_) / sigma_, -clip_, clip_);
    sum_ = std::max(0.0, sum_ + z - k_);
  }

  void Decide(double change) {
    if (holds_) {
      bool back = change < margin_ / 2;
      if (back || ++held_ > keep_) Restart(/*forget=*/!back);
      return;
    }
    double uncertain = kUncertainty * sigma_ / std::max(std::fabs(level_), 1e-300);  // of the median of the last points
    if (change > std::max(margin_, uncertain)) {
      holds_ = true;
      held_ = 0;
    } else if (change < margin_ / 2) {
      sum_ = 0;  // many small deviations, and no other level
    }
  }

  // After so long the new level is the usual one.
  void Restart(bool forget) {
    holds_ = false;
    sum_ = 0;
    queue_.clear();
    if (forget) reference_.Clear();
  }

  double RecentMedian() const {
    std::vector<double> values(recent_.begin(), recent_.end());
    return Median(&values);
  }

  const double sign_, k_, h_, clip_, margin_;
  const size_t lag_;
  const int64_t keep_;
  SortedWindow reference_;
  std::deque<double> queue_;  // what is still too new for the reference
  std::deque<double> recent_;
  double level_ = 0, sigma_ = 1;  // of the reference
  uint64_t added_ = 0;
  double sum_ = 0;
  bool holds_ = false;
  int64_t held_ = 0;
};

}  // namespace

std::unique_ptr<Detector> MakeShiftDetector(const Parameters& parameters) {
  return std::make_unique<ShiftDetector>(parameters);
}

}  // namespace rankscope::detect
