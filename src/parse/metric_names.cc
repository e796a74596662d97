#include "parse/metric_names.h"

#include <array>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace rankscope::parse {
namespace {

struct Name {
  std::string_view printed, canonical;
  double scale = 1;      // canonical = printed * scale
  bool inverse = false;  // canonical = 1 / printed
};

constexpr double kMs = 1e-3;
constexpr double kMib = 1.0 / 1024;

// Lower case, with '_' for ' ' and '-', without brackets.
constexpr std::array kNames = {
    Name{"loss", "loss"},
    Name{"lm_loss", "loss"},
    Name{"total_loss", "loss"},
    Name{"train_loss", "loss"},
    Name{"train/loss", "loss"},
    Name{"training_loss", "loss"},
    Name{"reduced_train_loss", "loss"},
    Name{"loss_metrics/global_avg_loss", "loss"},
    Name{"train_loss_step", "loss"},
    Name{"learning_rate", "learning_rate"},
    Name{"lr", "learning_rate"},
    Name{"actor/lr", "learning_rate"},
    Name{"grad_norm", "gradient_norm"},
    Name{"gradient_norm", "gradient_norm"},
    Name{"total_grad_norm", "gradient_norm"},
    Name{"gnorm", "gradient_norm"},
    Name{"actor/grad_norm", "gradient_norm"},
    Name{"epoch", "epoch"},
    Name{"step", "step"},
    Name{"global_step", "step"},
    Name{"iteration", "step"},
    Name{"iter", "step"},
    Name{"training/global_step", "step"},
    Name{"tps", "throughput_tokens_per_sec"},
    Name{"tokens/s", "throughput_tokens_per_sec"},
    Name{"tokens_per_second", "throughput_tokens_per_sec"},
    Name{"tokens_per_sec", "throughput_tokens_per_sec"},
    Name{"step_tokens_per_second", "throughput_tokens_per_sec"},
    Name{"throughput_tokens_per_sec", "throughput_tokens_per_sec"},
    Name{"tokens_per_gpu_per_second_tgs", "throughput_tokens_per_sec"},
    Name{"tgs", "throughput_tokens_per_sec"},
    Name{"perf/throughput", "throughput_tokens_per_sec"},
    Name{"elapsed_time_per_iteration_ms", "step_time_s", kMs},
    Name{"elapsed_time_per_iteration_s", "step_time_s"},
    Name{"train_step_timing_in_s", "step_time_s"},
    Name{"iter_time_s", "step_time_s"},
    Name{"step_time", "step_time_s"},
    Name{"step_time_s", "step_time_s"},
    Name{"train_speeds/it", "step_time_s"},
    Name{"train_speediter/s", "step_time_s", 1, true},
    Name{"memorygib", "gpu_memory_gib"},
    Name{"maxmemallocated", "gpu_memory_gib"},
    Name{"memallocated", "gpu_memory_gib"},
    Name{"step_peak_memory_allocated_mb", "gpu_memory_gib", kMib},
    Name{"perf/max_memory_allocated_gb", "gpu_memory_gib"},
    Name{"gpu_memory_usage", "gpu_memory_usage"},
    Name{"loss_scale", "loss_scale"},
    Name{"throughput_per_gpu_tflop/s/gpu", "tflops_per_gpu"},
    Name{"tflops", "tflops_per_gpu"},
    Name{"samples_per_second", "samples_per_sec"},
    Name{"samples/sec", "samples_per_sec"},
    Name{"currsamplespersec", "samples_per_sec"},
    Name{"tokens", "tokens"},
    Name{"num_tokens", "tokens"},
    Name{"cross_entropy_loss", "loss"},
    Name{"avg_loss", "loss"},
    Name{"learning_rate_0", "learning_rate"},
    Name{"lr_0", "learning_rate"},
    Name{"train/lr", "learning_rate"},
    Name{"train/learning_rate", "learning_rate"},
    Name{"train/grad_norm", "gradient_norm"},
    Name{"grad", "gradient_norm"},
    Name{"itr", "step"},
    Name{"steps", "step"},
    Name{"nupdates", "step"},
    Name{"num_updates", "step"},
    Name{"train/global_step", "step"},
    Name{"tokens/sec", "throughput_tokens_per_sec"},
    Name{"tokens_per_second_per_gpu", "throughput_tokens_per_sec"},
    Name{"tokens_per_sec_per_gpu", "throughput_tokens_per_sec"},
    Name{"tokens_per_gpu_per_second", "throughput_tokens_per_sec"},
    Name{"tok/s", "throughput_tokens_per_sec"},
    Name{"tok/sec", "throughput_tokens_per_sec"},
    Name{"time", "step_time_s"},
    Name{"time_data", "step_time_s"},
    Name{"batch_t", "step_time_s"},
    Name{"bchms", "step_time_s", kMs},
    Name{"iter_time", "step_time_s"},
    Name{"it/sec", "step_time_s", 1, true},
    Name{"it/s", "step_time_s", 1, true},
    Name{"data_time", "data_time_s"},
    Name{"mem", "gpu_memory_gib"},
    Name{"memory", "gpu_memory_gib"},
    Name{"peak_mem", "gpu_memory_gib"},
    Name{"peak_memory", "gpu_memory_gib"},
    Name{"max_mem", "gpu_memory_gib"},
    Name{"peak_gpu_memory", "gpu_memory_gib"},
    Name{"peak_memory_usage", "gpu_memory_gib"},
    Name{"gpu_resources", "gpu_memory_gib"},
};

constexpr size_t kLongestName = 48;

std::string Normal(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c == '(' || c == ')') continue;
    out.push_back(c == ' ' || c == '-' ? '_' : (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c));
  }
  return out;
}

const Name* Find(std::string_view name) {
  static const auto* by_name = [] {
    auto* map = new std::unordered_map<std::string_view, const Name*>;
    for (const Name& known : kNames) map->emplace(known.printed, &known);
    return map;
  }();
  if (name.size() > kLongestName) return nullptr;
  auto found = by_name->find(Normal(name));
  return found == by_name->end() ? nullptr : found->second;
}

void AddOnce(std::string_view name, double value, model::Fields* fields) {
  if (!model::FindField(*fields, name)) fields->emplace_back(std::string(name), value);
}

}  // namespace

void AddMetric(std::string_view name, double value, model::Fields* fields) {
  if (const Name* known = Find(name)) {
    AddOnce(known->canonical, known->inverse ? 1 / value : value * known->scale, fields);
    if (known->canonical == name) return;
  }
  AddOnce(name, value, fields);
}

bool BeginsName(std::string_view word) {
  static const auto* beginnings = [] {
    auto* set = new std::unordered_set<std::string_view>;
    for (const Name& known : kNames) {
      for (size_t at = 0; at != std::string_view::npos; at = known.printed.find('_', at + 1)) {
        if (at > 0) set->insert(known.printed.substr(0, at));
      }
      set->insert(known.printed);
    }
    return set;
  }();
  return word.size() <= kLongestName && beginnings->contains(Normal(word));
}

std::string_view CanonicalName(std::string_view name) {
  const Name* known = Find(name);
  return known ? known->canonical : std::string_view();
}

}  // namespace rankscope::parse
