#include "diagnose/incidents/cause_chain.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace rankscope::diagnose {
namespace {

constexpr size_t kFamilies = static_cast<size_t>(Family::kOther) + 1;

constexpr std::array<std::string_view, kFamilies> kNames = {"hardware", "thermal",   "memory",   "storage", "data",
                                                            "schedule", "straggler", "numerics", "network", "hang",
                                                            "speed",    "exit",      "other"};

struct Word {
  std::string_view name;
  Family family;
};

// By class: those of shipped rules, and those that a diagnosis knows.
constexpr Word kClasses[] = {{"gpu_hardware_xid_ecc", Family::kHardware},
                             {"cuda_illegal_memory_access", Family::kHardware},
                             {"odd_rank", Family::kHardware},
                             {"sdc_suspect", Family::kHardware},
                             {"thermal", Family::kThermal},
                             {"thermal_or_power_throttle", Family::kThermal},
                             {"memory_growth", Family::kMemory},
                             {"memory_pressure", Family::kMemory},
                             {"host_memory_growth", Family::kMemory},
                             {"oom_risk", Family::kMemory},
                             {"cuda_oom", Family::kMemory},
                             {"host_oom_killed", Family::kMemory},
                             {"shared_memory_exhausted", Family::kMemory},
                             {"disk_full", Family::kStorage},
                             {"filesystem_stale_or_io_error", Family::kStorage},
                             {"checkpoint_save_failed", Family::kStorage},
                             {"checkpoint_load_failed", Family::kStorage},
                             {"data_loading", Family::kData},
                             {"data_loading_bottleneck", Family::kData},
                             {"dataloader_worker_killed", Family::kData},
                             {"extreme_sample", Family::kData},
                             {"data_error", Family::kData},
                             {"sequence_too_long", Family::kData},
                             {"device_side_assert", Family::kData},
                             {"lr_mismatch", Family::kSchedule},
                             {"straggler", Family::kStraggler},
                             {"loss_spike", Family::kNumerics},
                             {"loss_high", Family::kNumerics},
                             {"loss_divergence", Family::kNumerics},
                             {"loss_plateau", Family::kNumerics},
                             {"loss_nonfinite", Family::kNumerics},
                             {"loss_scale_underflow", Family::kNumerics},
                             {"loss_spike_or_divergence", Family::kNumerics},
                             {"nan_or_inf_loss", Family::kNumerics},
                             {"grad_explosion", Family::kNumerics},
                             {"grad_nonfinite", Family::kNumerics},
                             {"grad_vanishing", Family::kNumerics},
                             {"grad_overflow_loss_scale", Family::kNumerics},
                             {"network", Family::kNetwork},
                             {"network_degraded", Family::kNetwork},
                             {"nccl_timeout", Family::kNetwork},
                             {"nccl_system_error", Family::kNetwork},
                             {"gloo_error", Family::kNetwork},
                             {"rendezvous_failed", Family::kNetwork},
                             {"collective_mismatch_hang", Family::kHang},
                             {"process_hung", Family::kHang},
                             {"hang", Family::kHang},
                             {"heartbeat_lost", Family::kHang},
                             {"throughput_drop", Family::kSpeed},
                             {"throughput_decay", Family::kSpeed},
                             {"step_time_jitter", Family::kSpeed},
                             {"python_exception_one_rank", Family::kExit},
                             {"segfault_sigsegv", Family::kExit},
                             {"sigterm_preempted", Family::kExit}};

// By rule, where the class is log_pattern.
constexpr Word kRules[] = {{"Xid", Family::kHardware},
                           {"XidNote", Family::kHardware},
                           {"EccErrors", Family::kHardware},
                           {"UncorrectableEcc", Family::kHardware},
                           {"IllegalMemoryAccess", Family::kHardware},
                           {"CudaOutOfMemory", Family::kMemory},
                           {"DiskFull", Family::kStorage},
                           {"StaleStorage", Family::kStorage},
                           {"DeviceAssert", Family::kData},
                           {"NcclTimeoutLooksBack", Family::kNetwork},
                           {"RankFailed", Family::kExit},
                           {"RankEnded", Family::kExit},
                           {"RankKilled", Family::kExit}};

constexpr uint32_t Set(std::initializer_list<Family> families) {
  uint32_t bits = 0;
  for (Family family : families) bits |= 1U << static_cast<unsigned>(family);
  return bits;
}

constexpr uint32_t kStops = Set({Family::kNetwork, Family::kHang, Family::kSpeed, Family::kExit});

struct Effects {
  Family cause;
  uint32_t effects;
};
constexpr Effects kEffects[] = {
    {Family::kHardware, kStops | Set({Family::kNumerics, Family::kStraggler})},
    {Family::kThermal, Set({Family::kSpeed, Family::kStraggler, Family::kHardware, Family::kNetwork})},
    {Family::kMemory, kStops | Set({Family::kData, Family::kStraggler})},
    {Family::kStorage, kStops | Set({Family::kData})},
    {Family::kData, kStops | Set({Family::kMemory, Family::kNumerics, Family::kStraggler})},
    {Family::kSchedule, Set({Family::kNumerics})},
    {Family::kStraggler, Set({Family::kSpeed, Family::kNetwork})},
    {Family::kNumerics, Set({Family::kExit})},
    {Family::kNetwork, kStops},
    {Family::kHang, kStops},
    {Family::kSpeed, 0},
    {Family::kExit, Set({Family::kNetwork, Family::kHang})},
    {Family::kOther, Set({Family::kExit})},
};
static_assert(std::size(kEffects) == kFamilies);

template <size_t N>
const Word* Find(const Word (&words)[N], std::string_view name) {
  const Word* found =
      std::find_if(std::begin(words), std::end(words), [&](const Word& word) { return word.name == name; });
  return found == std::end(words) ? nullptr : found;
}

bool SaysNothing(std::string_view finding_class) {
  return finding_class.empty() || finding_class == "log_pattern" || finding_class == "custom";
}

}  // namespace

std::string_view NameOf(Family family) { return kNames.at(static_cast<size_t>(family)); }

Family FamilyOf(std::string_view finding_class, std::string_view rule) {
  const Word* word = SaysNothing(finding_class) ? Find(kRules, rule) : Find(kClasses, finding_class);
  return word ? word->family : Family::kOther;
}

std::string_view KindOf(std::string_view finding_class, std::string_view rule) {
  return SaysNothing(finding_class) ? rule : finding_class;
}

ChainRole RoleOf(const detect::Finding& finding) {
  if (auto role = ParseChainRole(finding.role)) return *role;
  Family family = FamilyOf(finding.finding_class, finding.rule);
  if (family == Family::kExit) return ChainRole::kCascade;
  return family < Family::kStraggler ? ChainRole::kCause : ChainRole::kSymptom;
}

bool MayCause(Family cause, Family effect) {
  if (cause == effect) return cause != Family::kOther;
  return (kEffects[static_cast<size_t>(cause)].effects & Set({effect})) != 0;
}

bool Spreads(Family effect) { return effect >= Family::kStraggler && effect != Family::kOther; }

}  // namespace rankscope::diagnose
