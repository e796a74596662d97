#include "simulation/fault.h"

#include <algorithm>

namespace rankscope::simulation {
namespace {

int64_t RoundUp(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

int64_t StepsBefore(const FaultKind& kind, int64_t interval) {
  return std::max(kind.steps_before, kind.records_before * interval);
}

}  // namespace

std::vector<const FaultKind*> FaultKinds() {
  std::vector<const FaultKind*> all;
  for (auto kinds : {LossFaults(), SpeedFaults(), MemoryFaults(), RankFaults(), LineFaults()}) {
    for (const FaultKind& kind : kinds) all.push_back(&kind);
  }
  return all;
}

int64_t WindowOf(const FaultKind& kind, const Extent& extent, double step_seconds) {
  int64_t blocks = kind.blocks * RoundUp(kind.block_steps, extent.interval);
  auto seconds = static_cast<int64_t>(std::ceil(kind.window_seconds / step_seconds));
  // What happens inside of an interval is told at its end.
  return kind.window_steps + kind.window_records * extent.interval + blocks + seconds + extent.interval - 1;
}

Extent ExtentFor(const FaultKind& kind, int32_t ranks, int64_t interval) {
  Extent extent{.ranks = ranks, .interval = std::min(interval, kind.most_interval)};
  int64_t after = std::max(kind.steps_after, WindowOf(kind, extent, /*step_seconds=*/1)) + 10 * extent.interval;
  extent.steps = 2 * StepsBefore(kind, extent.interval) + after;
  return extent;
}

Fault DrawFault(const FaultKind& kind, const Plan& plan, Random* random) {
  const Extent& extent = plan.extent;
  Fault fault;
  fault.kind = &kind;
  int64_t before = StepsBefore(kind, extent.interval);
  fault.onset = random->Whole(before, 2 * before);
  fault.visible = fault.onset;
  fault.length = extent.steps - fault.onset + 1;
  fault.rank = static_cast<int32_t>(random->Whole(0, extent.ranks - 1));
  fault.node = fault.rank / 8;
  if (kind.draw) kind.draw(plan, random, &fault);
  return fault;
}

}  // namespace rankscope::simulation
