#include <algorithm>
#include <cmath>
#include <deque>

#include "detect/detector.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

// ms-swift prints eight decimals.
constexpr double kRounding = 5e-9;
constexpr double kNearPeak = 0.05;

// A learning rate that leaves its schedule. Every schedule in use (constant, linear, cosine, polynomial, inverse square
// root, WSD, each with warm-up) goes on smoothly but for knees of its slope; so a value far from where the last ones
// point is none of it, unless it is back at the peak (a warm restart), and stays judged by the old course until the new
// one is told.
class ScheduleDetector : public Detector {
 public:
  explicit ScheduleDetector(const Parameters& p)
      : tolerance_(p.at("tolerance")),
        history_(static_cast<size_t>(std::max(3.0, p.at("history")))),
        confirm_(static_cast<int64_t>(p.at("confirm"))) {}

  std::optional<Verdict> Take(const Point& point) override {
    if (!point.step || !std::isfinite(point.last)) return std::nullopt;
    Sample sample{static_cast<double>(*point.step), point.last};
    bool told = false;
    double expected = Expected(sample.step);
    if (samples_.size() == history_ && IsFar(sample, expected)) {
      off_ += point.steps;
      told = off_ >= confirm_;
      if (!told) return std::nullopt;  // the course stays what it was
      samples_.clear();
    }
    off_ = 0;
    peak_ = std::max(peak_, sample.value);
    samples_.push_back(sample);
    if (samples_.size() > history_) samples_.pop_front();
    if (!told) return std::nullopt;
    Verdict verdict;
    verdict.value = sample.value;
    verdict.threshold = expected;
    verdict.why = model::NumberText(sample.value) + ", the schedule so far points to " + model::NumberText(expected);
    return verdict;
  }

 private:
  struct Sample {
    double step, value;
  };

  // The last value, moved on by the slope of the last ones.
  double Slope() const {
    double steps = samples_.back().step - samples_.front().step;
    return steps > 0 ? (samples_.back().value - samples_.front().value) / steps : 0;
  }
  double Expected(double step) const {
    if (samples_.empty()) return 0;
    return samples_.back().value + Slope() * (step - samples_.back().step);
  }

  bool IsFar(const Sample& sample, double expected) const {
    double steps = sample.step - samples_.back().step;
    // A knee may turn the slope by as much as itself (the end of a warm-up), or begin a decay.
    double knee = 2 * std::fabs(Slope()) * steps;
    double allowed = kRounding + tolerance_ * peak_ + knee;
    bool restart = std::fabs(sample.value - peak_) < kNearPeak * peak_;
    return std::fabs(sample.value - expected) > allowed && !restart;
  }

  const double tolerance_;
  const size_t history_;
  const int64_t confirm_;
  std::deque<Sample> samples_;
  double peak_ = 0;
  int64_t off_ = 0;  // steps in a row away from the course
};

}  // namespace

std::unique_ptr<Detector> MakeScheduleDetector(const Parameters& parameters) {
  return std::make_unique<ScheduleDetector>(parameters);
}

}  // namespace rankscope::detect
