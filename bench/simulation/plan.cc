#include "simulation/plan.h"

#include <algorithm>

namespace rankscope::simulation {
namespace {

void DrawLoss(Plan* plan, Random* random) {
  double kind = random->Unit();
  plan->task = kind < 0.45 ? Task::kPretraining : kind < 0.85 ? Task::kFineTuning : Task::kReinforcement;
  plan->loss_common_noise = random->BetweenInLog(0.003, 0.02);
  plan->loss_memory = random->Chance(0.4) ? random->Between(0, 0.6) : 0;
  switch (plan->task) {
    case Task::kPretraining:
      plan->loss_first = random->Between(9, 12);
      plan->loss_last = random->Between(1.6, 3);
      plan->loss_exponent = random->Between(0.3, 0.8);
      plan->loss_noise = random->BetweenInLog(0.01, 0.05);
      return;
    case Task::kFineTuning:
      plan->loss_first = random->Between(1.2, 3);
      plan->loss_last = random->Between(0.3, 1);
      plan->loss_exponent = random->Between(0.3, 1);
      plan->loss_noise = random->BetweenInLog(0.02, 0.15);
      if (random->Chance(0.5)) plan->epoch_steps = random->Whole(150, 900);
      return;
    case Task::kReinforcement:  // around zero
      plan->loss_first = plan->loss_last = random->Between(0, 0.02);
      plan->loss_noise = random->BetweenInLog(0.005, 0.05);  // absolute
      return;
  }
}

void DrawSchedule(Plan* plan, Random* random) {
  const int64_t steps = plan->extent.steps;
  plan->schedule = static_cast<Schedule>(random->Whole(0, kSchedules - 1));
  plan->peak_rate = random->BetweenInLog(1e-6, 1e-3);
  plan->rate_exponent = random->Between(1, 3);
  plan->final_share = random->Chance(0.5) ? 0.1 : 0;
  plan->warmup = random->Chance(0.75) ? random->Whole(10, std::max<int64_t>(10, steps / 12)) : 0;
  // The run that is seen may be the beginning of a longer one.
  plan->total_steps = random->Chance(0.5) ? steps : steps * random->Whole(2, 10);
  plan->cycle = std::max<int64_t>(100, steps / random->Whole(2, 5));
  plan->eight_decimals = random->Chance(0.3);
  plan->off_by_one = random->Chance(0.3);
  bool has_form = plan->schedule == Schedule::kConstant || plan->schedule == Schedule::kLinear ||
                  plan->schedule == Schedule::kCosine;
  plan->declares = has_form && plan->final_share == 0 && random->Chance(0.6);
}

void DrawSpeed(Plan* plan, Random* random) {
  const Extent& extent = plan->extent;
  plan->step_seconds = random->BetweenInLog(extent.step_seconds_low, extent.step_seconds_high);
  plan->time_noise = random->BetweenInLog(0.004, 0.025);
  if (random->Chance(0.35)) plan->packing_noise = random->Between(0.02, 0.09);
  if (random->Chance(0.3)) plan->token_noise = random->Between(0.05, 0.3);
  plan->hiccup_chance = random->BetweenInLog(0.0005, 0.01);
  plan->drift = random->Between(0, 0.02);
  plan->sequence_length = static_cast<double>(1 << random->Whole(9, 13));
  plan->tokens = plan->sequence_length * static_cast<double>(random->Whole(1, 8));
  plan->quadratic_share = random->Between(0.03, 0.4);
  plan->compute_share = random->Between(0.55, 0.9);
  plan->compute_noise = random->BetweenInLog(0.004, 0.025);
  plan->data_share = random->BetweenInLog(0.0005, 0.03);
  bool pipelined = extent.ranks >= 32 && random->Chance(0.3);
  plan->stages = pipelined ? 1 << random->Whole(1, extent.ranks >= 128 ? 4 : 2) : 1;
  plan->last_stage_excess = pipelined ? random->Between(0, 0.15) : 0;
  plan->collect_every = random->Chance(0.3) ? random->Whole(50, 500) : 0;
}

void DrawMemory(Plan* plan, Random* random) {
  plan->memory = static_cast<MemoryHabit>(random->Whole(0, 2));
  plan->capacity_gib = random->Chance(0.5) ? 80 : 141;
  plan->memory_gib = plan->capacity_gib * random->Between(0.35, 0.93);
  plan->fill_steps = random->BetweenInLog(2, 12);
  plan->memory_noise = random->BetweenInLog(0.0005, 0.02);
}

void DrawBenign(Plan* plan, Random* random) {
  const int64_t steps = plan->extent.steps;
  plan->checkpoint_every = random->Whole(100, 500);
  plan->checkpoint_seconds = random->BetweenInLog(5, 120);
  plan->quiet_checkpoints = random->Chance(0.15);
  if (random->Chance(0.6)) plan->evaluate_every = random->Whole(100, 600);
  plan->evaluate_seconds = random->BetweenInLog(20, 600);
  plan->fp16 = random->Chance(0.2);
  if (random->Chance(0.12)) plan->longer_from = random->Whole(steps / 4, steps - 50);
  plan->longer_by = random->Between(1.2, 2.2);
  if (random->Chance(0.06)) plan->batch_ramp_at = random->Whole(steps / 4, steps - 50);
  if (random->Chance(0.2)) plan->memory_peaks_every = random->Whole(20, 200);
  if (random->Chance(0.06)) {
    plan->restart_at = random->Whole(steps / 2, steps - 20);
    plan->restart_to = plan->restart_at - random->Whole(10, 100);
  }
  plan->sample_seconds = random->Whole(0, 1) == 0 ? 10 : 30;
  if (!random->Chance(0.15)) return;
  plan->length_noise = random->Between(0.1, 0.5);
  plan->token_noise = 0;
  if (random->Chance(0.5)) plan->long_rank_from = random->Whole(steps / 4, steps - 50);
  plan->long_rank_by = random->Between(1.2, 2);
}

}  // namespace

Plan DrawPlan(const Extent& extent, Random* random) {
  Plan plan;
  plan.extent = extent;
  plan.nodes = std::max(1, extent.ranks / 8);
  DrawLoss(&plan, random);
  DrawSchedule(&plan, random);
  plan.gradient_level = random->BetweenInLog(0.1, 5);
  plan.gradient_noise = random->Between(0.05, 0.45);
  DrawSpeed(&plan, random);
  DrawMemory(&plan, random);
  DrawBenign(&plan, random);
  return plan;
}

namespace {

double Decayed(const Plan& plan, double after_warmup, int64_t step) {
  const double left = 1 - std::clamp(after_warmup, 0.0, 1.0);
  const double least = plan.final_share;
  switch (plan.schedule) {
    case Schedule::kConstant:
      return 1;
    case Schedule::kLinear:
      return least + (1 - least) * left;
    case Schedule::kCosine:
      return least + (1 - least) * (1 - std::cos(M_PI * left)) / 2;
    case Schedule::kPolynomial:
      return least + (1 - least) * std::pow(left, plan.rate_exponent);
    case Schedule::kInverseSqrt: {
      double scale = static_cast<double>(std::max<int64_t>(plan.warmup, 100));
      return std::sqrt(scale / (scale + static_cast<double>(step - plan.warmup)));
    }
    case Schedule::kWarmupStableDecay:
      return left > 0.2 ? 1 : least + (1 - least) * left / 0.2;
    case Schedule::kStaircase:
      return std::pow(plan.rate_exponent < 2 ? 0.5 : 0.1, static_cast<double>((step - plan.warmup) / plan.cycle));
    case Schedule::kRestarts:
      return (1 + std::cos(M_PI * static_cast<double>((step - plan.warmup) % plan.cycle) /
                           static_cast<double>(plan.cycle))) /
             2;
  }
  return 1;
}

}  // namespace

double ScheduledRate(const Plan& plan, int64_t step) {
  if (plan.off_by_one && step > 0) --step;
  double rate = plan.peak_rate;
  if (step < plan.warmup) {
    rate *= static_cast<double>(step) / static_cast<double>(plan.warmup);
  } else {
    double whole = static_cast<double>(std::max<int64_t>(1, plan.total_steps - plan.warmup));
    rate *= Decayed(plan, static_cast<double>(step - plan.warmup) / whole, step);
  }
  return plan.eight_decimals ? std::round(rate * 1e8) / 1e8 : rate;
}

}  // namespace rankscope::simulation
