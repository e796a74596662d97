#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "simulation/plan.h"

namespace rankscope::simulation {

struct FaultKind;

// One fault in one run.
struct Fault {
  const FaultKind* kind = nullptr;
  int64_t onset = 0;    // the first step that is not healthy
  int64_t length = 0;   // steps; those after it are healthy again
  int64_t visible = 0;  // the first step at which what the rule names is true: of a ramp, when it passes the limit
  double size = 0;      // of the kind's own meaning
  double noise = 0;     // of the series that it shows in, before
  int32_t rank = 0, node = 0;

  bool IsAt(int64_t step) const { return step >= onset && step < onset + length; }
};

enum class Whom : uint8_t { kJob, kNode, kRank };

// A kind of fault. To add one: its functions and its line in one of the *_faults.cc.
struct FaultKind {
  std::string_view name{};
  std::vector<std::string_view> rules{};         // each of them detects it
  std::vector<std::string_view> consequences{};  // are right as well, and not asked for
  Whom whom = Whom::kJob;                        // whom the rules have to name
  std::string_view cause{};                      // that a joint rule has to name first; empty: none
  // The rules' own window: so many steps, records, blocks of steps, and seconds.
  int64_t window_steps = 0, window_records = 0, blocks = 0, block_steps = 1;
  double window_seconds = 0;
  // What it takes to be seen at all: steps and records before the onset, steps after it.
  int64_t steps_before = 150, records_before = 0, steps_after = 60;
  int64_t most_interval = 100;
  // Whether a run like this may have it; null: any.
  bool (*suits)(const Plan&) = nullptr;
  // Draws its size. `length` is what remains of the run.
  void (*draw)(const Plan&, Random*, Fault*) = nullptr;
  // Each changes what is healthy, while Fault::IsAt.
  void (*change_step)(const Fault&, Random*, Step*) = nullptr;
  void (*change_sample)(const Fault&, const Step&, int32_t rank, Random*, Sample*) = nullptr;
  void (*change_node)(const Fault&, const Step&, int32_t node, NodeSample*) = nullptr;
  bool stops_rank = false;  // from the onset on nothing comes from the rank,
  bool stops_job = false;   // or from all of them
};

std::span<const FaultKind> LossFaults();
std::span<const FaultKind> SpeedFaults();
std::span<const FaultKind> MemoryFaults();
std::span<const FaultKind> RankFaults();
std::span<const FaultKind> LineFaults();
// All of them.
std::vector<const FaultKind*> FaultKinds();

// Steps from `visible` on within which the rules have to tell, at the interval.
int64_t WindowOf(const FaultKind& kind, const Extent& extent, double step_seconds);
// The extent that lets the kind be seen, of so many ranks.
Extent ExtentFor(const FaultKind& kind, int32_t ranks, int64_t interval);
Fault DrawFault(const FaultKind& kind, const Plan& plan, Random* random);

}  // namespace rankscope::simulation
