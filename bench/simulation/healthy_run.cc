#include "simulation/healthy_run.h"

#include <algorithm>
#include <cstdio>

namespace rankscope::simulation {
namespace {

constexpr double kDriftMemory = 0.998;     // a disturbance from outside lasts for some hundred steps
constexpr double kRankDisturbance = 3e-4;  // chance a step that one rank is slow for a few
constexpr double kOverflow = 3e-4;         // chance that a loss scale halves
constexpr int64_t kScaleDoubles = 2000;
constexpr int64_t kCompileSteps = 6;  // the first steps take longer: compiling, allocating, caches
constexpr double kFillSeconds = 600;
constexpr double kLongestSequence = 4;  // times the usual: what is longer is cut
constexpr double kMostKept = 0.975;     // of the memory, by an allocator that gives nothing back

double Lognormal(Random* random, double sigma) { return std::exp(sigma * random->Normal()); }

bool IsEach(int64_t number, int64_t every) { return every > 0 && number > 0 && number % every == 0; }

}  // namespace

HealthyRun::HealthyRun(const Plan& plan, Random random) : plan_(plan), random_(random) {
  for (int32_t rank = 0; rank < plan.extent.ranks; ++rank) {
    Rank own{random_.Fork()};
    own.speed = 1 + 0.008 * own.random.Normal();
    own.memory = plan.memory_gib * (1 + 0.02 * own.random.Normal());
    ranks_.push_back(own);
  }
  for (int32_t node = 0; node < plan.nodes; ++node) {
    node_memory_.push_back(random_.Between(15, 75));
    node_filling_.push_back(random_.Between(0, 0.4) * node_memory_.back());
    node_noise_.push_back(0);
    node_heat_.push_back(random_.Between(48, 80));
  }
}

std::vector<Line> HealthyRun::Beginning() const {
  std::vector<Line> events;
  if (plan_.stages > 1) {
    events.push_back({std::nullopt,
                      0,
                      "",
                      model::Stream::kEvent,
                      {{"event", std::string("run_start")}, {"pipeline_parallel", std::to_string(plan_.stages)}}});
  }
  if (!plan_.declares) return events;
  const char* name = plan_.schedule == Schedule::kLinear   ? "linear"
                     : plan_.schedule == Schedule::kCosine ? "cosine"
                                                           : "constant_with_warmup";
  char arguments[160];
  std::snprintf(arguments, sizeof arguments,
                R"({"learning_rate": %.6g, "lr_scheduler_type": "%s", "lr_scheduler_kwargs": {}, "warmup_steps": %d})",
                plan_.peak_rate, name, static_cast<int>(plan_.warmup));
  events.push_back({0,
                    0,
                    "",
                    model::Stream::kEvent,
                    {{"event", std::string("training_arguments")},
                     {"total_steps", plan_.total_steps},
                     {"arguments", std::string(arguments)}}});
  return events;
}

Step HealthyRun::NextStep() {
  bool restart = plan_.restart_at > 0 && number_ == plan_.restart_at && !restarted_;
  number_ = restart ? plan_.restart_to : number_ + 1;
  restarted_ |= restart;
  Step step;
  step.number = number_;
  common_ = plan_.loss_memory * common_ +
            std::sqrt(1 - plan_.loss_memory * plan_.loss_memory) * plan_.loss_common_noise * random_.HeavyTailed();
  step.loss = LossOf(number_);
  step.loss_noise = plan_.loss_noise;
  step.learning_rate = ScheduledRate(plan_, number_);
  double settling = 1 + 5 * std::exp(-static_cast<double>(number_) / 40);
  step.gradient_norm = plan_.gradient_level * settling * Lognormal(&random_, plan_.gradient_noise);
  bool longer = plan_.longer_from > 0 && number_ >= plan_.longer_from;
  bool larger = plan_.batch_ramp_at > 0 && number_ >= plan_.batch_ramp_at;
  step.sequence_length = plan_.sequence_length * (longer ? plan_.longer_by : 1);
  step.tokens = plan_.tokens * (longer ? plan_.longer_by : 1) * (larger ? 2 : 1);
  if (plan_.token_noise > 0) {
    double filled = std::clamp(1 + plan_.token_noise * random_.Normal(), 0.3, 1.7);
    step.tokens *= filled;
    step.sequence_length *= filled;
  }
  if (plan_.length_noise > 0) DrawBatches(&step);
  step.seconds = TimeOf(step);
  step.data_seconds = step.seconds * std::min(0.5, plan_.data_share * Lognormal(&random_, 0.4));
  if (plan_.fp16 && random_.Chance(kOverflow)) scale_ = std::max(1024.0, scale_ / 2);
  if (plan_.fp16 && IsEach(number_, kScaleDoubles)) scale_ *= 2;
  AddPauses(&step);
  return step;
}

double HealthyRun::LossOf(int64_t number) {
  if (plan_.task == Task::kReinforcement) return plan_.loss_last;
  auto step = static_cast<double>(number);
  double level = plan_.loss_last + (plan_.loss_first - plan_.loss_last) * std::pow(1 + step / 20, -plan_.loss_exponent);
  // What has been seen before is known better, from the first step of an epoch on.
  if (plan_.epoch_steps > 0) level *= std::pow(0.8, static_cast<double>(number / plan_.epoch_steps));
  return level * (1 + common_);
}

// As many sequences for each rank, as long as they come.
void HealthyRun::DrawBatches(Step* step) {
  auto sequences = static_cast<size_t>(std::max(1.0, std::round(step->tokens / step->sequence_length)));
  step->heaviest = 0;
  for (int32_t rank = 0; rank < plan_.extent.ranks; ++rank) {
    RankBatch batch;
    double squares = 0;
    bool longer = rank == 1 && plan_.long_rank_from > 0 && step->number >= plan_.long_rank_from;
    for (size_t i = 0; i < sequences; ++i) {
      double drawn = Lognormal(&random_, plan_.length_noise) * (longer ? plan_.long_rank_by : 1);
      double length = std::round(step->sequence_length * std::min(drawn, kLongestSequence));
      batch.lengths.push_back(length);
      batch.tokens += length;
      squares += length * length;
    }
    batch.load = LoadOf(batch.tokens, squares);
    step->heaviest = std::max(step->heaviest, batch.load);
    step->batches.push_back(std::move(batch));
  }
}

double HealthyRun::LoadOf(double tokens, double squares) const {
  double work = tokens / plan_.tokens;
  return (1 - plan_.quadratic_share) * work + plan_.quadratic_share * squares / (plan_.tokens * plan_.sequence_length);
}

double HealthyRun::TimeOf(const Step& step) {
  drift_ = kDriftMemory * drift_ + std::sqrt(1 - kDriftMemory * kDriftMemory) * plan_.drift * random_.Normal();
  double load = step.batches.empty() ? LoadOf(step.tokens, step.tokens * step.sequence_length) : step.heaviest;
  double seconds = plan_.step_seconds * load * (1 + drift_) * Lognormal(&random_, plan_.time_noise);
  if (plan_.packing_noise > 0) seconds *= Lognormal(&random_, plan_.packing_noise);
  if (random_.Chance(plan_.hiccup_chance)) seconds *= 1 + 0.5 * random_.Exponential();
  if (IsEach(step.number, plan_.collect_every)) seconds *= 1.15;
  if (step.number <= kCompileSteps) seconds *= 1 + 8 / static_cast<double>(step.number);
  return seconds;
}

void HealthyRun::AddPauses(Step* step) {
  bool save = IsEach(step->number - 1, plan_.checkpoint_every);
  if (save && plan_.quiet_checkpoints) {
    step->seconds *= 1.4;
  } else if (save) {
    step->pause_seconds += plan_.checkpoint_seconds * Lognormal(&random_, 0.2);
    step->lines.push_back({0, 0, "Saving model checkpoint to out/checkpoint-" + std::to_string(step->number - 1)});
  }
  if (!IsEach(step->number - 1, plan_.evaluate_every)) return;
  step->pause_seconds += plan_.evaluate_seconds * Lognormal(&random_, 0.2);
  step->lines.push_back({0, 0, "***** Running Evaluation *****"});
  step->lines.push_back({0, 0, "", model::Stream::kStdout, {{"eval_loss", step->loss * 1.05}}});
}

Sample HealthyRun::SampleOf(const Step& step, int32_t number) {
  Rank& rank = ranks_[static_cast<size_t>(number)];
  Sample sample;
  double noise = step.loss_noise * rank.random.HeavyTailed();
  sample[kLoss] = plan_.task == Task::kReinforcement ? step.loss + noise : step.loss * (1 + noise);
  sample[kLearningRate] = step.learning_rate;
  sample[kGradientNorm] = step.gradient_norm;
  double whole = step.seconds + step.pause_seconds;
  sample[kStepTime] = whole * (1 + 1e-4 * rank.random.Normal());
  bool last_stage = plan_.stages > 1 && number >= plan_.extent.ranks - plan_.extent.ranks / plan_.stages;
  const RankBatch* batch = step.batches.empty() ? nullptr : &step.batches[static_cast<size_t>(number)];
  sample[kComputeTime] = ComputeOf(step, batch ? batch->load / step.heaviest : 1, &rank, last_stage);
  sample[kDataTime] = step.data_seconds * Lognormal(&rank.random, 0.2);
  sample[kTokens] = batch ? batch->tokens : step.tokens;
  sample[kThroughput] = sample[kTokens] / sample[kStepTime];
  sample[kSequenceLength] = batch ? batch->tokens / static_cast<double>(batch->lengths.size()) : step.sequence_length;
  sample[kMemoryGib] = MemoryOf(step, &rank);
  sample[kMemoryUsage] = 100 * sample[kMemoryGib] / plan_.capacity_gib;
  sample[kMemoryRetries] = 0;
  sample[kLossScale] = scale_;
  if (!plan_.fp16) sample.Omit(kLossScale);
  return sample;
}

double HealthyRun::ComputeOf(const Step& step, double load, Rank* rank, bool last_stage) const {
  double share = plan_.compute_share * load * rank->speed * (last_stage ? 1 + plan_.last_stage_excess : 1);
  if (rank->slow_steps == 0 && rank->random.Chance(kRankDisturbance)) {
    rank->slow_steps = static_cast<int32_t>(rank->random.Whole(1, 4));
  }
  if (rank->slow_steps > 0) {
    --rank->slow_steps;
    share *= 1.25;
  }
  return step.seconds * std::min(0.98, share * (1 + plan_.compute_noise * rank->random.Normal()));
}

// What the allocator holds. It fills within the first steps; then it stays, is given back now and then, or is the
// maximum of ever more batches.
double HealthyRun::MemoryOf(const Step& step, Rank* rank) const {
  auto steps = static_cast<double>(step.number);
  double filled = 1 - 0.3 * std::exp(-steps / plan_.fill_steps);
  double longer = std::min(1.25, std::pow(step.sequence_length / plan_.sequence_length, 0.3));
  double now = rank->memory * filled * longer * (1 + plan_.memory_noise * rank->random.Normal());
  bool accumulates = IsEach(step.number, plan_.memory_peaks_every) || IsEach(step.number - 1, plan_.memory_peaks_every);
  if (accumulates) now += 0.2 * rank->memory;
  if (plan_.memory != MemoryHabit::kSteady)
    rank->memory_seen = std::max(rank->memory_seen, std::min(now, kMostKept * plan_.capacity_gib));
  bool released = plan_.memory == MemoryHabit::kSawtooth && rank->random.Chance(0.02);
  if (released) rank->memory_seen = now;
  return std::clamp(std::max(now, rank->memory_seen), 0.0, 0.99 * plan_.capacity_gib);
}

NodeSample HealthyRun::SampleOfNode(int32_t node, bool paused) {
  auto index = static_cast<size_t>(node);
  NodeSample sample;
  double& left = node_filling_[index];  // of what loaders and caches of the process take in the first hour
  left *= 1 - plan_.sample_seconds / kFillSeconds;
  double& noise = node_noise_[index];
  noise = 0.98 * noise + 0.2 * random_.Normal();
  double used = node_memory_[index] - left + noise + (paused ? 3 : 0);
  sample.memory_used_percent = std::clamp(used, 1.0, 90.0);
  sample.iowait_percent = std::min(15.0, (paused ? 8 : 1) * random_.Exponential());
  sample.shm_free_gib = 200 + random_.Normal();
  sample.gpu_temperature = std::round(std::min(86.0, node_heat_[index] - (paused ? 10 : 0) + 1.5 * random_.Normal()));
  sample.gpu_utilization = std::round(std::clamp((paused ? 30 : 96) + 3 * random_.Normal(), 0.0, 100.0));
  sample.throttle_reasons = random_.Chance(0.3) ? "sw_power_cap" : "";
  return sample;
}

}  // namespace rankscope::simulation
