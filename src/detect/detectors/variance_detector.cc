#include <algorithm>
#include <cmath>
#include <deque>

#include "detect/detectors/detector.h"
#include "detect/detectors/sorted_window.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

// The series becomes restless: the usual distance from one point to the next grows to a multiple of what it was.
class VarianceDetector : public Detector {
 public:
  explicit VarianceDetector(const Parameters& p)
      : ratio_(p.at("ratio")),
        margin_(p.at("margin")),
        least_(p.at("least")),
        recent_size_(static_cast<size_t>(std::max(8.0, p.at("recent")))),
        recent_(recent_size_),
        before_(static_cast<size_t>(std::max(8.0, p.at("before")))) {}

  std::optional<Verdict> Take(const Point& point) override {
    if (!std::isfinite(point.mean)) return std::nullopt;
    double distance = std::fabs(point.mean - std::exchange(last_, point.mean));
    if (std::isnan(distance)) return std::nullopt;
    queue_.push_back(distance);
    recent_.Add(distance);
    if (queue_.size() > recent_size_) {
      if (!restless_) before_.Add(queue_.front());  // what is restless is no measure of rest
      queue_.pop_front();
    }
    if (!recent_.full() || !before_.full()) return std::nullopt;
    double now = recent_.Median(), usual = before_.Median();
    restless_ = now > ratio_ * usual && now > std::max(least_, margin_ * std::fabs(point.mean));
    if (!restless_) return std::nullopt;
    Verdict verdict;
    verdict.value = now;
    verdict.threshold = ratio_ * usual;
    verdict.why = "changes by " + model::NumberText(now) + " from point to point, it was " + model::NumberText(usual);
    return verdict;
  }

 private:
  const double ratio_, margin_, least_;
  const size_t recent_size_;
  SortedWindow recent_, before_;
  std::deque<double> queue_;  // of `recent_`, in the order in which they came
  double last_ = std::nan("");
  bool restless_ = false;
};

}  // namespace

std::unique_ptr<Detector> MakeVarianceDetector(const Parameters& parameters) {
  return std::make_unique<VarianceDetector>(parameters);
}

}  // namespace rankscope::detect
