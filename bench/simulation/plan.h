#pragma once

#include <vector>

#include "simulation/random.h"
#include "simulation/sample.h"

namespace rankscope::simulation {

enum class Task : uint8_t { kPretraining, kFineTuning, kReinforcement };
enum class Schedule : uint8_t {
  kConstant,
  kLinear,
  kCosine,
  kPolynomial,
  kInverseSqrt,
  kWarmupStableDecay,
  kStaircase,  // a factor each so many steps (StepLR)
  kRestarts,   // cosine with warm restarts
};
inline constexpr int kSchedules = 8;
enum class MemoryHabit : uint8_t { kSteady, kSawtooth, kRunningMaximum };

// How big a run is and how long: chosen by whoever runs it.
struct Extent {
  int32_t ranks = 8;
  int64_t steps = 1000;
  int64_t interval = 1;  // steps a record is of
  double step_seconds_low = 0.5, step_seconds_high = 20;
};

// Everything of a healthy run that is the same from its first step to its last. Sources of the habits: loss noise,
// throughput noise and memory habits as in the literature that docs/design/detection.md names.
struct Plan {
  Extent extent;
  int32_t nodes = 1;
  Task task = Task::kPretraining;

  double loss_first = 10, loss_last = 2, loss_exponent = 0.4;  // (1 + step / 20) ^ -exponent from first to last
  double loss_noise = 0.02;                                    // relative, of each rank's mini-batches, heavy-tailed
  double loss_common_noise = 0.01;                             // relative, of all ranks
  double loss_memory = 0;                                      // AR(1) of the common one: data in order
  int64_t epoch_steps = 0;  // 0: one epoch; else the loss drops at each epoch's begin

  Schedule schedule = Schedule::kCosine;
  double peak_rate = 1e-4, rate_exponent = 1, final_share = 0;
  int64_t warmup = 0, total_steps = 0, cycle = 0;
  bool eight_decimals = false;  // as ms-swift prints
  bool declares = false;        // the arguments of the training are told, with the schedule
  bool off_by_one = false;      // the rate of the step before

  double gradient_level = 1, gradient_noise = 0.3;  // lognormal

  double step_seconds = 2;
  double time_noise = 0.01, packing_noise = 0, hiccup_chance = 0.005, drift = 0.01;
  double token_noise = 0;  // batches of as many samples as long as they come
  double tokens = 16384, sequence_length = 4096, quadratic_share = 0.1;
  double compute_share = 0.7, compute_noise = 0.015, data_share = 0.01;
  int32_t stages = 1;  // of a pipeline
  double last_stage_excess = 0;
  int64_t collect_every = 0;  // Python's garbage collector; 0: never seen

  MemoryHabit memory = MemoryHabit::kSteady;
  double memory_gib = 50, memory_noise = 0.01, capacity_gib = 80, fill_steps = 5;

  int64_t checkpoint_every = 0, evaluate_every = 0;  // 0: never
  double checkpoint_seconds = 30, evaluate_seconds = 60;
  bool quiet_checkpoints = false;  // saved aside: no line, two slower steps
  bool fp16 = false;

  // Benign look-alikes; 0: there is none.
  double length_noise = 0;     // of each sequence of each rank, whose lengths are told; lognormal
  int64_t long_rank_from = 0;  // from this step on one rank gets longer ones: a sampler that sorts, say
  double long_rank_by = 1;
  int64_t longer_from = 0;  // sequences become longer
  double longer_by = 1;
  int64_t batch_ramp_at = 0;  // the batch doubles
  int64_t memory_peaks_every = 0;
  int64_t restart_at = 0, restart_to = 0;  // the job goes back to a checkpoint

  double sample_seconds = 30;  // of hosts and GPUs
};

Plan DrawPlan(const Extent& extent, Random* random);

// The learning rate that the schedule gives for a step.
double ScheduledRate(const Plan& plan, int64_t step);

}  // namespace rankscope::simulation
