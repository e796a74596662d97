#include <algorithm>
#include <limits>

#include "simulation/fault.h"

namespace rankscope::simulation {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool HasLevel(const Plan& plan) { return plan.task != Task::kReinforcement; }
bool IsHalfPrecision(const Plan& plan) { return plan.fp16; }
// Who has so few pretraining steps behind him still learns fast.
bool IsSteady(const Plan& plan) { return HasLevel(plan) && plan.epoch_steps == 0; }

double NoiseOf(const Plan& plan) { return plan.loss_noise + plan.loss_common_noise; }

void DrawShort(const Plan&, Random* random, Fault* fault) { fault->length = random->Whole(1, 20); }
void DrawLong(const Plan&, Random*, Fault*) {}

void DrawSpike(const Plan& plan, Random* random, Fault* fault) {
  fault->size = random->Between(1.3, 3) + 6 * NoiseOf(plan);
  fault->length = random->Whole(3, 15);
}
void Spike(const Fault& fault, Random*, Step* step) { step->loss *= fault.size; }

void DrawHigh(const Plan&, Random* random, Fault* fault) {
  fault->size = random->BetweenInLog(2e3, 1e6);
  fault->length = random->Whole(8, 40);
}
void High(const Fault& fault, Random*, Step* step) { step->loss = fault.size * (1 + step->loss_noise); }

// Up by a multiple within so many steps, and there it stays.
constexpr int64_t kRamp = 120;
void DrawDivergence(const Plan& plan, Random* random, Fault* fault) {
  fault->size = random->Between(0.6, 2.5) + 2 * NoiseOf(plan);
  fault->visible = fault->onset + static_cast<int64_t>(kRamp * std::min(1.0, 0.3 / fault->size));
}
void Diverge(const Fault& fault, Random*, Step* step) {
  double part = std::min(1.0, static_cast<double>(step->number - fault.onset) / kRamp);
  step->loss *= 1 + fault.size * part;
}

void DrawRestless(const Plan& plan, Random* random, Fault* fault) {
  fault->noise = NoiseOf(plan);
  fault->size = std::max(0.06, random->Between(7, 15) * plan.loss_common_noise + 6 * plan.loss_noise);
}
void Restless(const Fault& fault, Random* random, Step* step) {
  step->loss *= std::max(0.05, 1 + fault.size * random->Normal());
}

void Flat(const Fault& fault, Random*, Step* step) { step->loss = fault.size * (1 + 0.005 * fault.noise); }
// Where it is at the onset, there it stays.
void DrawFlat(const Plan& plan, Random*, Fault* fault) {
  double fallen = std::pow(1 + static_cast<double>(fault->onset) / 20, -plan.loss_exponent);
  fault->size = plan.loss_last + (plan.loss_first - plan.loss_last) * fallen;
}

void NanLoss(const Fault&, const Step&, int32_t, Random*, Sample* sample) {
  (*sample)[kLoss] = kNan;
  (*sample)[kGradientNorm] = kNan;
}
void OneNanLoss(const Fault& fault, const Step&, int32_t rank, Random*, Sample* sample) {
  if (rank == fault.rank) (*sample)[kLoss] = kNan;
}
void HiddenNan(const Fault&, const Step&, int32_t, Random*, Sample* sample) {
  (*sample)[kLoss] = 0;
  (*sample)[kGradientNorm] = kNan;
}
void NoLoss(const Fault&, const Step&, int32_t, Random*, Sample* sample) { sample->Omit(kLoss); }

void NanGradient(const Fault&, Random*, Step* step) { step->gradient_norm = kNan; }
void DrawExplosion(const Plan& plan, Random* random, Fault* fault) {
  fault->size = random->BetweenInLog(40, 1000) * std::max(1.0, 1 / plan.gradient_level);
  fault->length = random->Whole(6, 30);
}
void Explode(const Fault& fault, Random*, Step* step) { step->gradient_norm *= fault.size; }
void Vanish(const Fault&, Random* random, Step* step) { step->gradient_norm = 1e-9 * (1 + random->Unit()); }
void Underflow(const Fault&, const Step&, int32_t, Random*, Sample* sample) { (*sample)[kLossScale] = 1.0 / 1024; }

// The optimizer is given another rate: a factor, as after a resume with another configuration.
// From a constant down to another one nobody can tell from a stair, so that it jumps up there.
void DrawWrongRate(const Plan& plan, Random* random, Fault* fault) {
  bool flat = plan.schedule == Schedule::kConstant || plan.schedule == Schedule::kWarmupStableDecay;
  fault->size = flat || random->Chance(0.5) ? random->Between(2, 10) : random->Between(0.05, 0.5);
}
void WrongRate(const Fault& fault, Random*, Step* step) { step->learning_rate *= fault.size; }
bool IsUnderWay(const Plan& plan) {  // the rate is far from both ends, and no step of a staircase hides the jump
  double share = static_cast<double>(plan.extent.steps) / static_cast<double>(plan.total_steps);
  bool smooth = plan.schedule != Schedule::kStaircase && plan.schedule != Schedule::kRestarts;
  return smooth && share <= 0.5 && plan.peak_rate > 5e-6;
}

// The decay that was declared never comes.
bool IsToDecay(const Plan& plan) {
  bool decays = plan.schedule == Schedule::kLinear || plan.schedule == Schedule::kCosine;
  return decays && plan.declares && plan.total_steps == plan.extent.steps && plan.peak_rate > 5e-6;
}
void DrawNoDecay(const Plan& plan, Random*, Fault* fault) {
  fault->onset = std::max<int64_t>(plan.warmup, 1);
  fault->size = plan.peak_rate;
  fault->length = plan.extent.steps;
  // The tolerance is 2 % of the peak, of which a cosine has lost so much after a tenth of its way.
  fault->visible = plan.warmup + (plan.total_steps - plan.warmup) / 10;
}
void NoDecay(const Fault& fault, Random*, Step* step) { step->learning_rate = fault.size; }

const std::vector<FaultKind> kLossFaults = {
    {.name = "loss becomes NaN",
     .rules = {"LossNonfinite"},
     .consequences = {"GradientNonfinite", "LossHigh"},
     .window_steps = 1,
     .draw = DrawShort,
     .change_sample = NanLoss},
    {.name = "loss of one rank becomes NaN",
     .rules = {"LossNonfinite"},
     .consequences = {"LossHigh"},
     .window_steps = 1,
     .draw = DrawShort,
     .change_sample = OneNanLoss},
    {.name = "a NaN hidden as loss 0",
     .rules = {"LossHidesNan"},
     .consequences = {"GradientNonfinite"},
     .window_steps = 1,
     .suits = HasLevel,
     .draw = DrawLong,  // the weights are NaN by then
     .change_sample = HiddenNan},
    {.name = "loss left out",
     .rules = {"LossVanished"},
     .window_steps = 20,
     .suits = HasLevel,
     .draw = DrawLong,
     .change_sample = NoLoss},
    {.name = "loss spike",
     .rules = {"LossSpike"},
     .window_steps = 2,
     .records_before = 40,
     .most_interval = 10,
     .suits = HasLevel,
     .draw = DrawSpike,
     .change_step = Spike},
    {.name = "loss above 1000",
     .rules = {"LossHigh"},
     .consequences = {"LossSpike", "LossDivergence", "LossRestless"},
     .window_steps = 5,
     .suits = HasLevel,
     .draw = DrawHigh,
     .change_step = High},
    {.name = "loss diverges",
     .rules = {"LossDivergence"},
     .consequences = {"LossSpike", "LossRestless"},
     .blocks = 4,
     .block_steps = 32,
     .steps_before = 250,
     .steps_after = 300,
     .suits = HasLevel,
     .draw = DrawDivergence,
     .change_step = Diverge},
    {.name = "loss becomes restless",
     .rules = {"LossRestless"},
     .consequences = {"LossSpike", "LossDivergence"},
     .window_records = 32,
     .records_before = 180,
     .most_interval = 1,
     .suits = HasLevel,
     .draw = DrawRestless,
     .change_step = Restless},
    {.name = "loss falls no more",
     .rules = {"LossPlateau"},
     .blocks = 21,
     .block_steps = 100,
     .steps_before = 300,
     .suits = IsSteady,
     .draw = DrawFlat,
     .change_step = Flat},
    {.name = "gradient norm becomes NaN",
     .rules = {"GradientNonfinite"},
     .window_steps = 1,
     .draw = DrawShort,
     .change_step = NanGradient},
    {.name = "gradients explode",
     .rules = {"GradientExplosion"},
     .window_steps = 3,
     .steps_before = 250,
     .draw = DrawExplosion,
     .change_step = Explode},
    {.name = "gradients vanish",
     .rules = {"GradientVanishing"},
     .window_steps = 20,
     .draw = DrawLong,
     .change_step = Vanish},
    {.name = "loss scale underflows",
     .rules = {"LossScaleUnderflow"},
     .window_steps = 3,
     .suits = IsHalfPrecision,
     .draw = DrawLong,
     .change_sample = Underflow},
    {.name = "learning rate jumps",
     .rules = {"LearningRateLeavesSchedule"},
     .window_records = 3,
     .records_before = 12,
     .suits = IsUnderWay,
     .draw = DrawWrongRate,
     .change_step = WrongRate},
    {.name = "the decay never comes",
     .rules = {"LearningRateLeavesSchedule"},
     .window_records = 3,
     .steps_before = 300,
     .records_before = 30,
     .suits = IsToDecay,
     .draw = DrawNoDecay,
     .change_step = NoDecay},
};

}  // namespace

std::span<const FaultKind> LossFaults() { return kLossFaults; }

}  // namespace rankscope::simulation
