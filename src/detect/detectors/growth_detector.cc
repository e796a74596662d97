#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

#include "detect/detectors/block_cutter.h"
#include "detect/detectors/detector.h"
#include "detect/detectors/trend.h"
#include "model/record_value.h"

namespace rankscope::detect {
namespace {

constexpr double kLeastShare = 0.25;  // of the mean rise, by which each floor has to rise

// What is never given back: the floors of blocks. Beginnings (allocators warm up) are skipped.
class Floors {
 public:
  struct Floor {
    double level = 0, ceiling = 0;
    int64_t steps = 0;  // since the floor before
  };

  explicit Floors(const Parameters& p)
      : skip_(static_cast<int64_t>(p.at("skip"))),
        most_(static_cast<size_t>(std::max(2.0, p.at("blocks") + 1))),
        blocks_(static_cast<int64_t>(p.at("block"))) {}

  // Whether a new floor is there. Without steps there is no growth a step.
  bool Take(const Point& point) {
    if (!point.step || (skipped_ += point.steps) <= skip_) return false;
    auto block = blocks_.Take(point);
    if (!block) return false;
    floors_.push_back({block->floor, block->ceiling, block->steps});
    if (floors_.size() <= most_) return true;
    highest_ = std::max(highest_, floors_.front().level);
    floors_.pop_front();
    return true;
  }

  // Whether the last floor lies above everything of the first block and above every floor before: the rise is more than
  // how the series varies.
  bool IsClear() const { return full() && floors_.back().level > std::max(highest_, floors_.front().ceiling); }
  bool full() const { return floors_.size() == most_; }
  const std::deque<Floor>& all() const { return floors_; }

 private:
  const int64_t skip_;
  const size_t most_;
  BlockCutter blocks_;
  std::deque<Floor> floors_;
  double highest_ = -std::numeric_limits<double>::infinity();  // of the floors that have gone
  int64_t skipped_ = 0;
};

Verdict GrowthOf(double per_step, double limit, double level) {
  Verdict verdict;
  verdict.value = per_step;
  verdict.threshold = limit;
  verdict.why = "grows by " + model::NumberText(per_step) + " a step without release, to " + model::NumberText(level);
  return verdict;
}

// Fast: each floor lies above the one before by more than the limit. It ends when they rise by less than half of it, on
// the whole.
class GrowthDetector : public Detector {
 public:
  explicit GrowthDetector(const Parameters& p) : limit_(p.at("per_step")), floors_(p) {}

  std::optional<Verdict> Take(const Point& point) override {
    if (floors_.Take(point) && floors_.full())
      grows_ = grows_ ? Mean() > limit_ / 2 : floors_.IsClear() && Slowest() > limit_;
    if (!grows_) return std::nullopt;
    return GrowthOf(Mean(), limit_, floors_.all().back().level);
  }

 private:
  double Slowest() const {
    double slowest = std::numeric_limits<double>::infinity();
    const auto& floors = floors_.all();
    for (size_t i = 1; i < floors.size(); ++i) {
      slowest = std::min(slowest, (floors[i].level - floors[i - 1].level) / static_cast<double>(floors[i].steps));
    }
    return slowest;
  }

  double Mean() const {
    int64_t steps = -floors_.all().front().steps;
    for (const Floors::Floor& floor : floors_.all()) steps += floor.steps;
    return (floors_.all().back().level - floors_.all().front().level) / static_cast<double>(steps);
  }

  const double limit_;
  Floors floors_;
  bool grows_ = false;
};

// Slow: the floors rise by Theil-Sen, each of them, none by much more than the others (the maximum of ever more batches
// grows, too, but in jumps, and ever more slowly).
class FloorRiseDetector : public Detector {
 public:
  explicit FloorRiseDetector(const Parameters& p) : limit_(p.at("per_step")), jump_(p.at("jump")), floors_(p) {}

  std::optional<Verdict> Take(const Point& point) override {
    if (floors_.Take(point)) per_step_ = floors_.IsClear() ? Rise() : 0;
    if (per_step_ <= limit_) return std::nullopt;
    return GrowthOf(per_step_, limit_, floors_.all().back().level);
  }

 private:
  // A step; 0: no steady rise.
  double Rise() const {
    std::vector<double> levels;
    int64_t steps = 0;
    for (const Floors::Floor& floor : floors_.all()) {
      levels.push_back(floor.level);
      steps += floor.steps;
    }
    Trend trend = TrendOf(levels);
    bool steady = trend.largest_jump < jump_ * trend.rise;
    for (size_t i = 1; i < levels.size(); ++i) steady &= levels[i] - levels[i - 1] > kLeastShare * trend.slope;
    return steady ? trend.slope * static_cast<double>(levels.size()) / static_cast<double>(steps) : 0;
  }

  const double limit_, jump_;
  Floors floors_;
  double per_step_ = 0;
};

}  // namespace

std::unique_ptr<Detector> MakeGrowthDetector(const Parameters& parameters) {
  return std::make_unique<GrowthDetector>(parameters);
}

std::unique_ptr<Detector> MakeFloorRiseDetector(const Parameters& parameters) {
  return std::make_unique<FloorRiseDetector>(parameters);
}

}  // namespace rankscope::detect
