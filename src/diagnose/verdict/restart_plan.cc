#include "diagnose/verdict/restart_plan.h"

#include <algorithm>
#include <set>

#include "base/counted.h"
#include "diagnose/reading/saved_checkpoints.h"
#include "diagnose/verdict/failure_class.h"
#include "diagnose/verdict/node_words.h"

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

// Of what was said before the failure; or behind it, of steps before it: what another rank has said may be read later.
SavedCheckpoints CheckpointsUntil(const Reading& reading, size_t failure, const std::optional<int64_t>& reached) {
  SavedCheckpoints saved;
  auto point = reading.points.begin();
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    for (; point != reading.points.end() && point->line <= i; ++point) {
      if (point->step && point->step <= reached && !point->evaluation) saved.Report(*point->step, point->rank);
    }
    if (reading.tracebacks.is_inside[i]) continue;
    auto line = ReadCheckpointLine(reading.bodies[i].text);
    if (!line) continue;
    const bool before = reading.positions[i] < reading.positions[failure];
    if (before || (line->step && line->step <= reached)) saved.Take(*std::move(line), reading.ranks[i]);
  }
  return saved;
}

std::string NodeOf(const Reading& reading, int32_t rank) {
  const auto& writers = reading.read->writers;
  auto known = std::find_if(writers.begin(), writers.end(),
                            [&](const Writer& writer) { return writer.rank == rank && writer.node_rank; });
  return known == writers.end()
             ? "the node of rank " + std::to_string(rank)
             : NodeWords(*reading.read, *known->node_rank) + ", that of rank " + std::to_string(rank);
}

std::string GoOnFrom(const CheckpointLine& checkpoint, const std::optional<int64_t>& reached) {
  std::string plan = "go on from checkpoint " + checkpoint.place;
  if (checkpoint.step && reached >= checkpoint.step) {
    const auto lost = static_cast<size_t>(*reached - *checkpoint.step);
    plan += "; " + base::Counted(lost, "step") + (lost == 1 ? " is lost" : " are lost");
  }
  return plan;
}

// A slow job lives on: it goes on from where it has come to.
size_t LineOfEnd(const Reading& reading, const Suspect& cause) {
  if (!IsSlowness(cause.failure)) return cause.line;
  const auto last = std::max_element(reading.positions.begin(), reading.positions.end());
  return static_cast<size_t>(last - reading.positions.begin());
}

}  // namespace

std::vector<std::string> PlanRestart(const Reading& reading, const Suspect& cause,
                                     const std::vector<int32_t>& culprits) {
  const size_t end = LineOfEnd(reading, cause);
  const auto step = StepBefore(reading, end, std::nullopt);
  const SavedCheckpoints saved = CheckpointsUntil(reading, end, step);
  std::vector<std::string> plan;
  if (auto whole = saved.whole()) {
    plan.push_back(GoOnFrom(*whole, step));
  } else if (step && !IsSlowness(cause.failure)) {
    plan.push_back("the log shows no finished checkpoint: " + std::to_string(*step) + " steps may be lost");
  }
  if (auto begun = saved.begun()) plan.push_back("nothing tells that checkpoint " + begun->place + " is whole");
  bool of_node = cause.failure == "gpu_hardware_xid_ecc" || cause.failure == "thermal_or_power_throttle";
  if (of_node && !culprits.empty()) plan.push_back("leave out " + NodeOf(reading, culprits.front()));
  return plan;
}

}  // namespace rankscope::diagnose
