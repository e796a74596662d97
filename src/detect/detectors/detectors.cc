#include "detect/detectors/detector.h"

namespace rankscope::detect {

// Every kind there is. What each looks for is said in its file, and in docs/rules.md.
std::span<const DetectorKind> DetectorKinds() {
  static const std::vector<DetectorKind> kKinds = {
      {"spike", {{"z", 6}, {"margin", 0.08}, {"least", 0}, {"window", 64}, {"confirm", 2}}, MakeSpikeDetector},
      {"rise", {{"margin", 0.25}, {"least", 0}, {"block", 32}, {"blocks", 3}}, MakeRiseDetector},
      {"plateau", {{"steps", 2000}, {"gain", 0.005}}, MakePlateauDetector},
      {"variance",
       {{"ratio", 4}, {"recent", 32}, {"before", 128}, {"margin", 0.02}, {"least", 0}},
       MakeVarianceDetector},
      {"shift",
       {{"up", 0}, {"k", 0.5}, {"h", 15}, {"clip", 4}, {"margin", 0.1}, {"window", 100}, {"keep", 1000}},
       MakeShiftDetector},
      {"decay",
       {{"up", 0}, {"margin", 0.1}, {"least", 0}, {"block", 50}, {"blocks", 12}, {"jump", 0.6}},
       MakeDecayDetector},
      {"growth", {{"per_step", 0.0488}, {"block", 5}, {"blocks", 6}, {"skip", 50}}, MakeGrowthDetector},
      {"floor_rise",
       {{"per_step", 0.00488}, {"block", 30}, {"blocks", 6}, {"jump", 0.6}, {"skip", 50}},
       MakeFloorRiseDetector},
      {"schedule", {{"tolerance", 0.02}, {"history", 8}, {"confirm", 3}}, MakeScheduleDetector},
  };
  return kKinds;
}

const DetectorKind* FindDetectorKind(std::string_view name) {
  for (const DetectorKind& kind : DetectorKinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

}  // namespace rankscope::detect
