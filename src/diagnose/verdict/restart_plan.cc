#include "diagnose/verdict/restart_plan.h"

#include <algorithm>
#include <set>

#include "diagnose/reading/checkpoint_line.h"

namespace rankscope::diagnose {

std::optional<int64_t> StepBefore(const Reading& reading, size_t line, std::optional<int32_t> rank) {
  std::optional<int64_t> step;
  std::set<int64_t> own_after;
  bool is_report = false;
  for (const Point& point : reading.points) {
    is_report = is_report || point.line == line;
    bool other = rank && point.rank && point.rank != rank;
    if (!point.step || point.evaluation || other) continue;
    if (!IsKnownToFollow(reading, point.line, line)) {
      step = std::max(step.value_or(0), *point.step);
    } else if (rank && point.rank) {
      own_after.insert(*point.step);
    }
  }
  bool late = !is_report && own_after.size() == 1;
  return late ? std::max(step.value_or(0), *own_after.begin()) : step;
}

namespace {

// Said before the failure; or behind it, of a step before it: what another rank has said may be read a little later.
std::optional<CheckpointLine> LastCheckpoint(const Reading& reading, size_t failure,
                                             const std::optional<int64_t>& reached) {
  std::optional<CheckpointLine> last;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    if (reading.tracebacks.is_inside[i]) continue;
    auto checkpoint = ReadCheckpointLine(reading.bodies[i].text);
    if (!checkpoint) continue;
    const bool before = reading.positions[i] < reading.positions[failure];
    const bool newer = checkpoint->step && (!last || last->step < checkpoint->step);
    if (before || (newer && reached && checkpoint->step <= reached)) last = checkpoint;
  }
  return last;
}

}  // namespace

std::vector<std::string> PlanRestart(const Reading& reading, const Suspect& cause,
                                     const std::vector<int32_t>& culprits) {
  const auto step = StepBefore(reading, cause.line, std::nullopt);
  const auto last = LastCheckpoint(reading, cause.line, step);
  std::vector<std::string> plan;
  if (last) {
    std::string lost;
    if (last->step && step && *step >= *last->step)
      lost = "; " + std::to_string(*step - *last->step) + " steps are lost";
    plan.push_back("go on from checkpoint " + last->place + lost);
  } else if (step) {
    plan.push_back("the log shows no finished checkpoint: " + std::to_string(*step) + " steps may be lost");
  }
  bool of_node = cause.failure == "gpu_hardware_xid_ecc" || cause.failure == "thermal_or_power_throttle";
  if (of_node && !culprits.empty()) plan.push_back("leave out the node of rank " + std::to_string(culprits.front()));
  return plan;
}

}  // namespace rankscope::diagnose
