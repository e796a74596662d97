#include <algorithm>

#include "simulation/fault.h"

namespace rankscope::simulation {
namespace {

double NoiseOf(const Plan& plan) { return plan.time_noise + plan.packing_noise + plan.drift; }

// The step takes 1 / size as long.
void Slow(const Fault& fault, Random*, Step* step) { step->seconds /= fault.size; }

void DrawCollapse(const Plan& plan, Random* random, Fault* fault) {
  fault->size = random->Between(0.3, 0.66) - plan.packing_noise;
}
void DrawMild(const Plan& plan, Random* random, Fault* fault) {
  fault->size = random->Between(0.72, 0.87) - 1.5 * NoiseOf(plan);
}
void DrawDrop(const Plan& plan, Random* random, Fault* fault) {
  fault->size = random->Between(0.4, 0.85) - 1.5 * NoiseOf(plan);
}

// Slower and slower, down to the size at the end of the run.
void DrawDecay(const Plan& plan, Random* random, Fault* fault) {
  fault->size = random->Between(0.55, 0.75) - NoiseOf(plan);
  // By a tenth it has to have sunk before one can call it so, and by more where it is hard to see.
  fault->visible = fault->onset + static_cast<int64_t>(static_cast<double>(fault->length) *
                                                       std::min(0.9, (0.1 + NoiseOf(plan)) / (1 - fault->size)));
}
void Decay(const Fault& fault, Random*, Step* step) {
  double part = static_cast<double>(step->number - fault.onset) / static_cast<double>(fault.length);
  step->seconds /= 1 - (1 - fault.size) * part;
}

void DrawJitter(const Plan& plan, Random* random, Fault* fault) {
  fault->size = random->Between(0.4, 0.8) + 9 * (NoiseOf(plan) + plan.token_noise);
}
// Every other step waits for something.
void Jitter(const Fault& fault, Random* random, Step* step) { step->seconds *= 1 + fault.size * 2 * random->Unit(); }

void LateData(const Fault& fault, Random*, Step* step) {
  double late = step->seconds / fault.size - step->seconds;
  step->seconds += late;
  step->data_seconds += late;
}
void IdleNode(const Fault&, const Step&, int32_t, NodeSample* sample) {
  sample->gpu_utilization *= 0.6;
  sample->iowait_percent += 10;
}

void SlowNetwork(const Fault& fault, Random* random, Step* step) {
  Slow(fault, random, step);
  if (step->number % 4 != fault.onset % 4) return;
  Line line{fault.rank, fault.node,
            "node:1:2 [0] NCCL WARN NET/IB : Got completion from peer 10.0.0.7<4791> with status=12 opcode=0 len=0",
            model::Stream::kStderr};
  step->lines.push_back(line);
}

void HotNode(const Fault& fault, const Step&, int32_t node, NodeSample* sample) {
  if (node != fault.node) return;
  sample->gpu_temperature = 87;
  sample->throttle_reasons = "sw_thermal";
}

void Retries(const Fault& fault, const Step& step, int32_t rank, Random*, Sample* sample) {
  if (rank == fault.rank) (*sample)[kMemoryRetries] = static_cast<double>(2 * (step.number - fault.onset + 1));
}

const std::vector<std::string_view> kSlow = {"ThroughputCollapse", "ThroughputShift", "StepTimeShift"};
std::vector<std::string_view> SlowAnd(std::vector<std::string_view> further) {
  further.insert(further.end(), kSlow.begin(), kSlow.end());
  return further;
}

const std::vector<FaultKind> kSpeedFaults = {
    {.name = "throughput collapses",
     .rules = {"ThroughputCollapse"},
     .consequences = SlowAnd({"DataLoadingSlowdown"}),
     .window_steps = 3,
     .steps_before = 160,
     .records_before = 4,
     .draw = DrawCollapse,
     .change_step = Slow},
    {.name = "throughput drops somewhat",
     .rules = {"ThroughputShift", "StepTimeShift"},
     .consequences = SlowAnd({"DataLoadingSlowdown"}),
     .window_records = 10,
     .records_before = 110,
     .most_interval = 10,
     .draw = DrawMild,
     .change_step = Slow},
    {.name = "throughput decays",
     .rules = {"ThroughputDecay", "ThroughputShift", "StepTimeShift"},
     .consequences = SlowAnd({"DataLoadingSlowdown"}),
     .blocks = 13,
     .block_steps = 50,
     .steps_before = 200,
     .steps_after = 3000,
     .draw = DrawDecay,
     .change_step = Decay},
    {.name = "step times become irregular",
     .rules = {"StepTimeJitter"},
     .consequences = SlowAnd({"DataLoadingSlowdown"}),
     .window_records = 32,
     .records_before = 180,
     .most_interval = 1,
     .draw = DrawJitter,
     .change_step = Jitter},
    {.name = "data come late",
     .rules = {"DataLoadingSlowdown"},
     .consequences = kSlow,
     .cause = "data_loading",
     .window_records = 10,
     .window_seconds = 40,  // for which it has to hold
     .records_before = 110,
     .most_interval = 10,
     .draw = DrawDrop,
     .change_step = LateData,
     .change_node = IdleNode},
    {.name = "the network fails",
     .rules = {"NetworkSlowdown"},
     .consequences = SlowAnd({"InfiniBandError"}),
     .window_records = 10,
     .records_before = 110,
     .most_interval = 10,
     .draw = DrawDrop,
     .change_step = SlowNetwork},
    {.name = "a GPU throttles for heat",
     .rules = {"ThermalSlowdown"},
     .consequences = SlowAnd({"GpuThrottlesForHeat", "GpuHot"}),
     .window_records = 10,
     .window_seconds = 30,  // between two samples
     .records_before = 110,
     .most_interval = 10,
     .draw = DrawDrop,
     .change_step = Slow,
     .change_node = HotNode},
    {.name = "the allocator retries",
     .rules = {"MemoryRetriesSlowdown"},
     .consequences = SlowAnd({"MemoryRetries"}),
     .window_records = 10,
     .records_before = 110,
     .most_interval = 10,
     .draw = DrawDrop,
     .change_step = Slow,
     .change_sample = Retries},
};

}  // namespace

std::span<const FaultKind> SpeedFaults() { return kSpeedFaults; }

}  // namespace rankscope::simulation
