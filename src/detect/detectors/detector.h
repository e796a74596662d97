#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/detectors/series_window.h"

namespace rankscope::detect {

// What a detector says of its series after a point. Nothing is said while it is silent.
struct Verdict {
  std::optional<double> value, threshold;
  std::string why;  // "loss 7.2 against a median of 2.1 (z 31)"
};

struct Training;

// Watches one metric of one rank, or of a job. Its state is bounded; it reads no clock.
class Detector {
 public:
  virtual ~Detector() = default;
  // A verdict: what it looks for holds at this point.
  virtual std::optional<Verdict> Take(const Point& point) = 0;
  // What the run says of itself, before each point. It outlives the call of Take.
  virtual void Know(const Training&) {}
};

using Parameters = std::map<std::string, double>;

// A kind of detector. To add one: a file with its Make function, a declaration below, a line in detectors.cc.
struct DetectorKind {
  struct Parameter {
    std::string_view name;
    double value = 0;  // unless the rule says otherwise
  };
  std::string_view name;
  std::vector<Parameter> parameters;
  std::unique_ptr<Detector> (*make)(const Parameters&);
};
std::span<const DetectorKind> DetectorKinds();
const DetectorKind* FindDetectorKind(std::string_view name);

std::unique_ptr<Detector> MakeSpikeDetector(const Parameters& parameters);
std::unique_ptr<Detector> MakeRiseDetector(const Parameters& parameters);
std::unique_ptr<Detector> MakePlateauDetector(const Parameters& parameters);
std::unique_ptr<Detector> MakeVarianceDetector(const Parameters& parameters);
std::unique_ptr<Detector> MakeShiftDetector(const Parameters& parameters);
std::unique_ptr<Detector> MakeDecayDetector(const Parameters& parameters);
std::unique_ptr<Detector> MakeGrowthDetector(const Parameters& parameters);
std::unique_ptr<Detector> MakeFloorRiseDetector(const Parameters& parameters);
std::unique_ptr<Detector> MakeScheduleDetector(const Parameters& parameters);

}  // namespace rankscope::detect
