#include <algorithm>

#include "simulation/fault.h"

namespace rankscope::simulation {
namespace {

constexpr double kGibOfMb = 1.0 / 1024;
constexpr double kNoisiest = 0.004;  // of the memory: in more noise nobody finds a leak soon

bool HasRoom(const Plan& plan) {
  return plan.memory_gib < 0.6 * plan.capacity_gib && plan.memory_noise < kNoisiest && plan.memory_peaks_every == 0 &&
         plan.token_noise == 0;
}

// `size` GiB a step are lost.
void Leak(const Fault& fault, const Step& step, int32_t rank, Random*, Sample* sample) {
  if (rank != fault.rank) return;
  double full = 100 * (*sample)[kMemoryGib] / (*sample)[kMemoryUsage];
  double lost = fault.size * static_cast<double>(step.number - fault.onset + 1);
  (*sample)[kMemoryGib] = std::min(0.97 * full, (*sample)[kMemoryGib] + lost);
  (*sample)[kMemoryUsage] = 100 * (*sample)[kMemoryGib] / full;
}
void DrawFast(const Plan& plan, Random* random, Fault* fault) {
  // What is lost within the window has to stand out of the noise.
  double clear = 6 * plan.memory_noise * plan.memory_gib / 25;
  fault->size = std::max(clear, random->BetweenInLog(75, 300) * kGibOfMb);
}
void DrawSlow(const Plan& plan, Random* random, Fault* fault) {
  double clear = 10 * plan.memory_noise * plan.memory_gib / 180;
  fault->size = std::max(clear, random->BetweenInLog(8, 35) * kGibOfMb);
}

void NearlyFull(const Fault& fault, const Step&, int32_t rank, Random* random, Sample* sample) {
  if (rank != fault.rank) return;
  double full = 100 * (*sample)[kMemoryGib] / (*sample)[kMemoryUsage];
  (*sample)[kMemoryUsage] = 98.3 + 1.5 * random->Unit();
  (*sample)[kMemoryGib] = full * (*sample)[kMemoryUsage] / 100;
}
void DrawFull(const Plan& plan, Random* random, Fault* fault) {
  fault->size = random->Between(0.35, 0.63) - plan.packing_noise;
}
void Slow(const Fault& fault, Random*, Step* step) { step->seconds /= fault.size; }

// The host's memory is filled bit by bit within the run.
bool IsSampledLong(const Plan& plan) { return plan.step_seconds > 5 && plan.sample_seconds < 15; }
void DrawHostLeak(const Plan& plan, Random* random, Fault* fault) {
  double hours = plan.step_seconds * static_cast<double>(fault->length) / 3600;
  fault->size = random->Between(50, 90) / hours / 3600 * plan.step_seconds;  // percent a step
  // By a fifth it has to have grown, from at most 75 %.
  fault->visible = fault->onset + static_cast<int64_t>(15 / fault->size);
}
void LeakHost(const Fault& fault, const Step& step, int32_t node, NodeSample* sample) {
  if (node != fault.node) return;
  double lost = fault.size * static_cast<double>(step.number - fault.onset);
  sample->memory_used_percent = std::min(94.0, sample->memory_used_percent + lost);
}
void FullHost(const Fault& fault, const Step&, int32_t node, NodeSample* sample) {
  if (node == fault.node) sample->memory_used_percent = 97.5;
}
void FullSharedMemory(const Fault& fault, const Step&, int32_t node, NodeSample* sample) {
  if (node == fault.node) sample->shm_free_gib = 0.02;
}
void HotGpu(const Fault& fault, const Step&, int32_t node, NodeSample* sample) {
  if (node == fault.node) sample->gpu_temperature = 92;
}
void EccErrors(const Fault& fault, const Step&, int32_t node, NodeSample* sample) {
  if (node == fault.node) sample->ecc_uncorrected = 3;
}

const std::vector<FaultKind> kMemoryFaults = {
    {.name = "GPU memory grows fast",
     .rules = {"GpuMemoryGrows"},
     .consequences = {"GpuMemoryLeaks"},
     .whom = Whom::kRank,
     .blocks = 8,
     .block_steps = 5,
     .most_interval = 10,
     .suits = HasRoom,
     .draw = DrawFast,
     .change_sample = Leak},
    {.name = "GPU memory leaks slowly",
     .rules = {"GpuMemoryLeaks"},
     .whom = Whom::kRank,
     .blocks = 8,
     .block_steps = 30,
     .steps_after = 300,
     .suits = HasRoom,
     .draw = DrawSlow,
     .change_sample = Leak},
    {.name = "GPU memory is nearly full and training slow",
     .rules = {"OomRisk"},
     .consequences = {"ThroughputCollapse", "ThroughputShift", "StepTimeShift", "GpuMemoryGrows"},
     .whom = Whom::kRank,
     .window_steps = 6,
     .steps_before = 160,
     .draw = DrawFull,
     .change_step = Slow,
     .change_sample = NearlyFull},
    {.name = "host memory grows",
     .rules = {"HostMemoryGrows"},
     .whom = Whom::kNode,
     .window_seconds = 1200 + 9 * 300,  // the first minutes do not count
     .steps_after = 1500,
     .suits = IsSampledLong,
     .draw = DrawHostLeak,
     .change_node = LeakHost},
    {.name = "a host runs out of memory",
     .rules = {"HostMemoryHigh"},
     .consequences = {"HostMemoryGrows"},
     .whom = Whom::kNode,
     .window_seconds = 90,
     .steps_after = 400,
     .change_node = FullHost},
    {.name = "shared memory is full",
     .rules = {"SharedMemoryFull"},
     .whom = Whom::kNode,
     .window_seconds = 30,
     .steps_after = 400,
     .change_node = FullSharedMemory},
    {.name = "a GPU is too hot",
     .rules = {"GpuHot"},
     .whom = Whom::kNode,
     .window_seconds = 120,
     .steps_after = 400,
     .change_node = HotGpu},
    {.name = "memory errors of a GPU",
     .rules = {"EccErrors"},
     .whom = Whom::kNode,
     .window_seconds = 30,
     .steps_after = 400,
     .change_node = EccErrors},
};

}  // namespace

std::span<const FaultKind> MemoryFaults() { return kMemoryFaults; }

}  // namespace rankscope::simulation
