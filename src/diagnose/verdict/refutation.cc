#include "diagnose/verdict/refutation.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "diagnose/reading/sample_records.h"
#include "diagnose/slowness/link_counters.h"
#include "diagnose/slowness/throttled_gpus.h"

namespace rankscope::diagnose {
namespace {

using Failures = std::initializer_list<std::string_view>;

bool IsAmong(std::string_view failure, Failures failures) {
  return std::find(failures.begin(), failures.end(), failure) != failures.end();
}

bool AnySays(const Reading& reading, Failures failures) {
  return std::any_of(reading.sightings.begin(), reading.sightings.end(), [&](const Sighting& sighting) {
    return sighting.signature->role <= Role::kSymptom && IsAmong(sighting.signature->failure, failures);
  });
}

std::string Count(size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// The step that each of several ranks came to; nothing: one rank reports, or none.
std::optional<int64_t> StepOfAll(const Reading& reading) {
  std::map<int32_t, int64_t> last;
  for (const Point& point : reading.points) {
    if (!point.rank || !point.step || point.evaluation) continue;
    int64_t& step = last[*point.rank];
    step = std::max(step, *point.step);
  }
  if (last.size() < 2) return std::nullopt;
  auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  return std::min_element(last.begin(), last.end(), less)->second;
}

void RefuteNetwork(const Reading& reading, Verdict* verdict) {
  if (!FindHotLinks(*reading.read).empty()) return;
  const size_t ports = CountPorts(*reading.read);
  std::string why = "not the network: no rank reports a transport error of its own";
  if (ports > 0) why += ", the error counters of " + Count(ports, "port") + " stayed flat";
  if (auto step = StepOfAll(reading); step && *step > 0) why += ", all ranks came to step " + std::to_string(*step);
  verdict->why_not.push_back(why);
}

void RefuteHardware(const Reading& reading, Verdict* verdict) {
  if (!FindThrottledGpus(reading).empty()) return;
  std::set<std::string> gpus;
  bool ecc_rose = false;
  std::map<std::string, double> ecc;
  EachSample(*reading.read, "gpu_uuid", [&](const nlohmann::json& sample, size_t) {
    std::string uuid = LabelIn(sample, "gpu_uuid");
    if (sample.contains("sm_clock_mhz")) gpus.insert(uuid);
    if (auto errors = NumberIn(sample, "ecc_uncorrected")) {
      ecc_rose = ecc_rose || *errors > ecc.try_emplace(uuid, *errors).first->second;
    }
  });
  if (ecc_rose) return;
  std::string why = "not the hardware: no Xid, ECC or throttling line";
  if (!gpus.empty()) why += ", and none of " + Count(gpus.size(), "sampled GPU") + " throttled itself";
  verdict->why_not.push_back(why);
}

std::string Whole(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f", value);
  return text;
}

// Where hosts were sampled, what was left at least.
std::optional<double> LeastIn(const Reading& reading, const char* key) {
  std::optional<double> least;
  EachSample(*reading.read, key, [&](const nlohmann::json& sample, size_t) {
    auto value = NumberIn(sample, key);
    if (value && (!least || *value < *least)) least = value;
  });
  return least;
}

void RefuteMemory(const Reading& reading, Verdict* verdict) {
  std::string why = "not memory: no allocation failed and no OOM kill is reported";
  auto least = LeastIn(reading, "memory_available_gib");
  if (least && *least < 1) return;
  if (least) why += ", and the hosts had " + Whole(*least) + " GiB available at least";
  verdict->why_not.push_back(why);
}

void RefuteStorage(const Reading& reading, Verdict* verdict) {
  std::string why = "not the storage: no file system error";
  auto least = LeastIn(reading, "disk_free_gib");
  if (least && *least < 1) return;
  if (least) why += ", and the nodes' disks had " + Whole(*least) + " GiB free at least";
  verdict->why_not.push_back(why);
}

}  // namespace

void Refute(const Reading& reading, Verdict* verdict) {
  auto speaks_of = [&](Failures failures) { return IsAmong(verdict->failure, failures) || AnySays(reading, failures); };
  const bool network =
      speaks_of({"nccl_system_error", "network_degraded", "rendezvous_failed", "nccl_timeout", "gloo_error"});
  if (!network) RefuteNetwork(reading, verdict);
  if (!speaks_of({"gpu_hardware_xid_ecc", "thermal_or_power_throttle"})) RefuteHardware(reading, verdict);
  if (!speaks_of({"cuda_oom", "host_oom_killed"})) RefuteMemory(reading, verdict);
  const bool storage = speaks_of({"disk_full", "filesystem_stale_or_io_error", "checkpoint_save_failed"});
  if (!storage) RefuteStorage(reading, verdict);
}

}  // namespace rankscope::diagnose
