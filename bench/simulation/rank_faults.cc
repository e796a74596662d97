#include <algorithm>

#include "simulation/fault.h"

namespace rankscope::simulation {
namespace {

bool HasLevel(const Plan& plan) { return plan.task != Task::kReinforcement; }

// The rank computes longer by the size; all others wait for it.
void DrawStraggler(const Plan& plan, Random* random, Fault* fault) {
  fault->noise = plan.compute_share;
  fault->size = random->Between(0.15, 0.9) + 4 * plan.compute_noise + plan.last_stage_excess;
}
void WaitForStraggler(const Fault& fault, Random*, Step* step) { step->seconds *= 1 + fault.noise * fault.size; }
void Straggle(const Fault& fault, const Step& step, int32_t rank, Random*, Sample* sample) {
  double usual = (*sample)[kComputeTime] / (1 + fault.noise * fault.size);
  double whole = step.seconds + step.pause_seconds;
  (*sample)[kComputeTime] = rank == fault.rank ? std::min(whole, usual * (1 + fault.size)) : usual;
}

void DrawOddLoss(const Plan& plan, Random* random, Fault* fault) {
  fault->size = random->Between(0.15, 0.6) + 10 * plan.loss_noise;
}
void OddLoss(const Fault& fault, const Step&, int32_t rank, Random*, Sample* sample) {
  if (rank == fault.rank) (*sample)[kLoss] *= 1 + fault.size;
}
void DrawOddGradient(const Plan&, Random* random, Fault* fault) { fault->size = random->Between(2, 20); }
void OddGradient(const Fault& fault, const Step&, int32_t rank, Random*, Sample* sample) {
  if (rank == fault.rank) (*sample)[kGradientNorm] *= fault.size;
}

const std::vector<FaultKind> kRankFaults = {
    {.name = "a rank computes slowly",
     .rules = {"Straggler"},
     .consequences = {"ThroughputCollapse", "ThroughputShift", "StepTimeShift", "DataLoadingSlowdown"},
     .whom = Whom::kRank,
     .window_steps = 8,
     .window_records = 2,
     .most_interval = 10,
     .draw = DrawStraggler,
     .change_step = WaitForStraggler,
     .change_sample = Straggle},
    {.name = "the loss of a rank leaves its peers",
     .rules = {"OddRankLoss"},
     .whom = Whom::kRank,
     .window_steps = 5,
     .window_records = 2,
     .most_interval = 10,
     .suits = HasLevel,
     .draw = DrawOddLoss,
     .change_sample = OddLoss},
    {.name = "the gradient norm of a rank leaves its peers",
     .rules = {"OddRankGradient"},
     .consequences = {"GradientExplosion"},
     .whom = Whom::kRank,
     .window_steps = 8,
     .window_records = 2,
     .most_interval = 10,
     .draw = DrawOddGradient,
     .change_sample = OddGradient},
    // Its peers wait for it in a collective, but the hooks of each say so a while.
    {.name = "a rank falls silent",
     .rules = {"HeartbeatLost"},
     .consequences = {"Hang"},
     .whom = Whom::kRank,
     .window_records = 10,
     .window_seconds = 60,
     .steps_after = 300,
     .most_interval = 10,
     .stops_rank = true},
    {.name = "all ranks hang",
     .rules = {"Hang"},
     .consequences = {"HeartbeatLost"},
     .window_records = 10,
     .window_seconds = 60,
     .steps_after = 300,
     .most_interval = 10,
     .stops_job = true},
};

}  // namespace

std::span<const FaultKind> RankFaults() { return kRankFaults; }

}  // namespace rankscope::simulation
