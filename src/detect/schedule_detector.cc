#include <algorithm>
#include <cmath>
#include <deque>

#include "detect/detector.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

// ms-swift prints eight decimals: two values may differ by one more of the last.
constexpr double kRounding = 1.05e-8;
constexpr double kNearPeak = 0.05;
// A jump is so much steeper than what follows it; a knee (the end of a warm-up, the begin of a decay) goes on as it
// began.
constexpr double kSteeper = 3;

// A learning rate that leaves its schedule. Every schedule in use (constant, linear, cosine, polynomial, inverse square
// root, WSD, each with warm-up) goes on smoothly but for knees of its slope, and warm restarts go back to the peak. So
// a value far from where the last ones point, from which it goes on at another slope, is of another schedule.
class ScheduleDetector : public Detector {
 public:
  explicit ScheduleDetector(const Parameters& p)
      : tolerance_(p.at("tolerance")),
        history_(static_cast<size_t>(std::max(3.0, p.at("history")))),
        confirm_(static_cast<size_t>(std::max(2.0, p.at("confirm")))) {}

  std::optional<Verdict> Take(const Point& point) override {
    if (!point.step || !std::isfinite(point.last)) return std::nullopt;
    Sample sample{static_cast<double>(*point.step), point.last};
    bool doubtful = samples_.size() == history_ && IsFar(sample);
    if (!doubtful) {
      off_.clear();
      Learn(sample);
      return std::nullopt;
    }
    off_.push_back(sample);
    if (off_.size() < confirm_) return std::nullopt;  // the course stays what it was
    std::optional<Verdict> verdict;
    if (IsJump()) verdict = Tell();
    samples_.clear();
    for (const Sample& each : std::exchange(off_, {})) Learn(each);
    return verdict;
  }

 private:
  struct Sample {
    double step, value;
  };

  static double SlopeOf(const Sample& from, const Sample& to) {
    return to.step > from.step ? (to.value - from.value) / (to.step - from.step) : 0;
  }
  double Slope() const { return SlopeOf(samples_.front(), samples_.back()); }
  double Expected(double step) const { return samples_.back().value + Slope() * (step - samples_.back().step); }

  void Learn(const Sample& sample) {
    peak_ = std::max(peak_, sample.value);
    samples_.push_back(sample);
    if (samples_.size() > history_) samples_.pop_front();
  }

  bool IsFar(const Sample& sample) const {
    bool restart = std::fabs(sample.value - peak_) < kNearPeak * peak_;
    return !restart && std::fabs(sample.value - Expected(sample.step)) > kRounding + tolerance_ * peak_;
  }

  bool IsJump() const {
    double first = std::fabs(SlopeOf(samples_.back(), off_.front()) - Slope());
    double after = std::fabs(SlopeOf(off_.front(), off_.back()) - Slope());
    return first > kSteeper * after;
  }

  Verdict Tell() const {
    const Sample& last = off_.back();
    Verdict verdict;
    verdict.value = last.value;
    verdict.threshold = Expected(last.step);
    verdict.why =
        model::NumberText(last.value) + ", the schedule so far points to " + model::NumberText(*verdict.threshold);
    return verdict;
  }

  const double tolerance_;
  const size_t history_, confirm_;
  std::deque<Sample> samples_;  // of the course
  std::vector<Sample> off_;     // in a row away from it
  double peak_ = 0;
};

}  // namespace

std::unique_ptr<Detector> MakeScheduleDetector(const Parameters& parameters) {
  return std::make_unique<ScheduleDetector>(parameters);
}

}  // namespace rankscope::detect
