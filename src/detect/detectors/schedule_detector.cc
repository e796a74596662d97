#include <algorithm>
#include <cmath>
#include <deque>

#include "detect/detectors/detector.h"
#include "detect/watches/watch.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

// ms-swift prints eight decimals: two values may differ by one more of the last.
constexpr double kRounding = 1.05e-8;
constexpr double kNearPeak = 0.05;
// A jump is so much steeper than what follows it; a knee (the end of a warm-up, the begin of a decay) goes on as it
// began.
constexpr double kSteeper = 3;
constexpr double kBent = 2;
// Of the peak: so low a cycle ends; a restart goes up to so many times as much.
constexpr double kLow = 0.15, kRises = 3;

// A learning rate that leaves its schedule. Every schedule in use (constant, linear, cosine, polynomial, inverse square
// root, WSD, each with warm-up) goes on smoothly but for knees of its slope, and warm restarts go back to the peak. So
// a value far from where the last ones point, from which it goes on at another slope, is of another schedule. From one
// constant down to another is a stair, as many schedules have. A schedule that the run has declared, of a known form,
// is compared with that form instead: then a decay that never comes is seen, too.
class ScheduleDetector : public Detector {
 public:
  explicit ScheduleDetector(const Parameters& p)
      : tolerance_(p.at("tolerance")),
        history_(static_cast<size_t>(std::max(3.0, p.at("history")))),
        confirm_(static_cast<size_t>(std::max(2.0, p.at("confirm")))) {}

  void Know(const Training& training) override { declared_ = training.schedule ? &*training.schedule : nullptr; }

  std::optional<Verdict> Take(const Point& point) override {
    if (!point.step || !std::isfinite(point.last)) return std::nullopt;
    Sample sample{static_cast<double>(*point.step), point.last};
    return declared_ ? Compare(sample) : Follow(sample);
  }

 private:
  struct Sample {
    double step, value;
  };

  // Whoever prints the rate of the step before, or of the one to come, is not far from it.
  std::optional<Verdict> Compare(const Sample& sample) {
    double expected = declared_->At(sample.step);
    double distance = std::fabs(sample.value - expected);
    for (double step : {sample.step - 1, sample.step + 1}) {
      distance = std::min(distance, std::fabs(sample.value - declared_->At(step)));
    }
    differing_ = distance > kRounding + tolerance_ * declared_->peak ? differing_ + 1 : 0;
    if (differing_ < confirm_) return std::nullopt;
    Verdict verdict;
    verdict.value = sample.value;
    verdict.threshold = expected;
    verdict.why = model::NumberText(sample.value) + ", the schedule " + declared_->name +
                  " that the run has declared gives " + model::NumberText(expected);
    return verdict;
  }

  std::optional<Verdict> Follow(const Sample& sample) {
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

  static double SlopeOf(const Sample& from, const Sample& to) {
    return to.step > from.step ? (to.value - from.value) / (to.step - from.step) : 0;
  }
  double Slope() const { return SlopeOf(samples_.front(), samples_.back()); }
  double Expected(double step) const {
    return std::max(0.0, samples_.back().value + Slope() * (step - samples_.back().step));
  }

  void Learn(const Sample& sample) {
    peak_ = std::max(peak_, sample.value);
    samples_.push_back(sample);
    if (samples_.size() > history_) samples_.pop_front();
  }

  bool IsFar(const Sample& sample) const {
    double distance = std::fabs(sample.value - Expected(sample.step));
    return !IsRestart(sample) && distance > kRounding + tolerance_ * peak_ + kBent * Bend();
  }

  // Up to the peak; or, from where a cycle had come to its end, up to a lower one.
  bool IsRestart(const Sample& sample) const {
    if (std::fabs(sample.value - peak_) < kNearPeak * peak_) return true;
    return samples_.back().value < kLow * peak_ && sample.value > kRises * samples_.back().value;
  }

  // How far the course so far is from a straight line: by twice as much it may leave the line within the next records.
  double Bend() const {
    double bend = 0;
    for (const Sample& each : samples_) {
      double straight = samples_.front().value + Slope() * (each.step - samples_.front().step);
      bend = std::max(bend, std::fabs(each.value - straight));
    }
    return bend;
  }

  // From a constant down to another one.
  bool IsStair() const {
    bool flat = std::fabs(samples_.front().value - samples_.back().value) <= kRounding &&
                std::fabs(off_.front().value - off_.back().value) <= kRounding;
    return flat && off_.back().value < samples_.back().value;
  }

  bool IsJump() const {
    if (IsStair()) return false;
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
  const DeclaredSchedule* declared_ = nullptr;
  size_t differing_ = 0;  // in a row from what is declared
};

}  // namespace

std::unique_ptr<Detector> MakeScheduleDetector(const Parameters& parameters) {
  return std::make_unique<ScheduleDetector>(parameters);
}

}  // namespace rankscope::detect
