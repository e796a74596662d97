#include "diagnose/slowness/throttled_gpus.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "diagnose/reading/sample_records.h"
#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

struct Sample {
  size_t line = 0;
  std::string reasons;
  std::optional<double> clock, temperature, power_limit;
};

struct Device {
  std::string host, uuid;
  std::optional<int64_t> index;
  std::optional<int32_t> node_rank, rank;
  std::vector<Sample> samples;
  double clock = 0, power_limit = 0;  // medians
};

using Devices = std::map<std::string, Device>;  // by uuid

double MedianOfMember(const std::vector<Sample>& samples, std::optional<double> Sample::*member) {
  std::vector<double> values;
  for (const Sample& sample : samples) {
    if (sample.*member) values.push_back(*(sample.*member));
  }
  return MedianOf(std::move(values));
}

Devices ReadDevices(const Reading& reading) {
  Devices devices;
  EachSample(*reading.read, "gpu_uuid", [&](const nlohmann::json& json, size_t line) {
    if (!json.contains("sm_clock_mhz") && !json.contains("throttle_reasons")) return;
    Device& device = devices[LabelIn(json, "gpu_uuid")];
    device.uuid = LabelIn(json, "gpu_uuid");
    device.host = LabelIn(json, "host");
    if (auto index = NumberIn(json, "gpu_index")) device.index = static_cast<int64_t>(*index);
    device.node_rank = reading.read->lines[line].node_rank;
    if (reading.ranks[line]) device.rank = reading.ranks[line];
    device.samples.push_back({line, LabelIn(json, "throttle_reasons"), NumberIn(json, "sm_clock_mhz"),
                              NumberIn(json, "temperature_c"), NumberIn(json, "power_limit_w")});
  });
  for (auto& [uuid, device] : devices) {
    device.clock = MedianOfMember(device.samples, &Sample::clock);
    device.power_limit = MedianOfMember(device.samples, &Sample::power_limit);
  }
  return devices;
}

// The agent's word: "rank 3 has GPU-…"; in want of it the GPU of the rank's local rank on its node.
void SetRanks(const Reading& reading, Devices* devices) {
  static const re2::RE2 kHas(R"(^rank (\d+) has ((?:GPU|MIG)-\S+)$)");
  std::map<std::pair<int32_t, int64_t>, int32_t> seats;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    const Line& line = reading.read->lines[i];
    if (!reading.ranks[i]) continue;
    if (line.local_rank) seats.try_emplace({line.node_rank.value_or(0), *line.local_rank}, *reading.ranks[i]);
    int32_t rank = 0;
    std::string uuid;
    std::string_view text = reading.bodies[i].text;
    if (!re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), kHas, &rank, &uuid)) continue;
    if (auto device = devices->find(uuid); device != devices->end()) device->second.rank = rank;
  }
  for (auto& [uuid, device] : *devices) {
    if (device.rank || !device.index) continue;
    auto seat = seats.find({device.node_rank.value_or(0), *device.index});
    if (seat != seats.end()) device.rank = seat->second;
  }
}

double MedianOfOthers(const Devices& devices, const Device& device, double Device::*member) {
  std::vector<double> values;
  for (const auto& [uuid, other] : devices) {
    if (uuid != device.uuid && other.*member > 0) values.push_back(other.*member);
  }
  return MedianOf(std::move(values));
}

bool Has(std::string_view reasons, std::initializer_list<std::string_view> any) {
  return std::any_of(any.begin(), any.end(),
                     [&](std::string_view reason) { return reasons.find(reason) != std::string_view::npos; });
}

bool IsOfHeat(std::string_view reasons) { return Has(reasons, {"thermal"}); }

// Whether its samples with these reasons are throttled ones; a cap alone is one where it is lower than that of others.
class Judgement {
 public:
  Judgement(const Devices& devices, const Device& device) {
    constexpr double kLower = 0.95;
    const double limit = MedianOfOthers(devices, device, &Device::power_limit);
    capped_low_ = device.power_limit > 0 && device.power_limit < kLower * limit;
  }
  bool IsThrottled(const Sample& sample) const {
    return Has(sample.reasons, {"hw_slowdown", "thermal", "power_brake"}) ||
           (capped_low_ && Has(sample.reasons, {"sw_power_cap"}));
  }

 private:
  bool capped_low_ = false;
};

constexpr size_t kShortestStretch = 3;
constexpr double kMostOfStretch = 0.8;

// Where a stretch of throttled samples begins that lasts to the end, or for a tenth of them.
std::optional<size_t> FindOnset(const Device& device, const Judgement& judgement) {
  const size_t stretch = std::max(kShortestStretch, device.samples.size() / 10);
  for (size_t i = 0; i + stretch <= device.samples.size(); ++i) {
    if (!judgement.IsThrottled(device.samples[i])) continue;
    auto begin = device.samples.begin() + static_cast<std::ptrdiff_t>(i);
    auto throttled = std::count_if(begin, begin + static_cast<std::ptrdiff_t>(stretch),
                                   [&](const Sample& sample) { return judgement.IsThrottled(sample); });
    if (static_cast<double>(throttled) >= kMostOfStretch * static_cast<double>(stretch)) return i;
  }
  return std::nullopt;
}

// Of the samples of the other devices since that time.
std::optional<double> TemperatureOfOthers(const Reading& reading, const Devices& devices, const ThrottledGpu& gpu) {
  std::vector<double> values;
  for (const auto& [uuid, other] : devices) {
    if (uuid == gpu.uuid) continue;
    for (const Sample& sample : other.samples) {
      bool since = reading.positions[sample.line] >= reading.positions[gpu.line];
      if (since && sample.temperature) values.push_back(*sample.temperature);
    }
  }
  return values.empty() ? std::nullopt : std::optional(MedianOf(std::move(values)));
}

constexpr double kSlowClock = 0.92;

std::optional<ThrottledGpu> Judge(const Reading& reading, const Devices& devices, const Device& device) {
  const Judgement judgement(devices, device);
  auto onset = FindOnset(device, judgement);
  if (!onset) return std::nullopt;
  std::vector<Sample> throttled, free;
  for (const Sample& sample : device.samples) (judgement.IsThrottled(sample) ? throttled : free).push_back(sample);
  ThrottledGpu gpu;
  gpu.host = device.host;
  gpu.uuid = device.uuid;
  gpu.index = device.index;
  gpu.rank = device.rank;
  gpu.reasons = device.samples[*onset].reasons;
  gpu.line = device.samples[*onset].line;
  gpu.by_heat = IsOfHeat(gpu.reasons);
  gpu.clock = MedianOfMember(throttled, &Sample::clock);
  gpu.clock_before = MedianOfMember(free, &Sample::clock);
  if (free.size() < kShortestStretch) gpu.clock_before = MedianOfOthers(devices, device, &Device::clock);
  if (gpu.clock > 0 && gpu.clock_before > 0 && gpu.clock > kSlowClock * gpu.clock_before) return std::nullopt;
  if (double own = MedianOfMember(throttled, &Sample::temperature); own > 0) gpu.temperature = own;
  gpu.others = TemperatureOfOthers(reading, devices, gpu);
  return gpu;
}

std::string Whole(double value) { return std::to_string(std::lround(value)); }

}  // namespace

std::vector<ThrottledGpu> FindThrottledGpus(const Reading& reading) {
  Devices devices = ReadDevices(reading);
  if (devices.empty()) return {};
  SetRanks(reading, &devices);
  std::vector<ThrottledGpu> found;
  for (const auto& [uuid, device] : devices) {
    if (auto gpu = Judge(reading, devices, device)) found.push_back(std::move(*gpu));
  }
  std::stable_sort(found.begin(), found.end(), [&](const ThrottledGpu& a, const ThrottledGpu& b) {
    return reading.positions[a.line] < reading.positions[b.line];
  });
  return found;
}

std::string NameOf(const ThrottledGpu& gpu) {
  std::string name = "GPU " + (gpu.index ? std::to_string(*gpu.index) : gpu.uuid);
  if (!gpu.host.empty()) name += " of " + gpu.host;
  return gpu.rank ? name + " (rank " + std::to_string(*gpu.rank) + ")" : name;
}

std::string CourseOf(const Reading& reading, const ThrottledGpu& gpu) {
  const auto& time = reading.read->lines[gpu.line].time;
  std::string text = "throttles itself (" + gpu.reasons + ")";
  if (time) text += " since " + ShownSecond(*time);
  if (gpu.clock > 0) {
    text += ": " + Whole(gpu.clock) + " MHz";
    if (gpu.clock_before > 0) text += " instead of " + Whole(gpu.clock_before);
  }
  if (gpu.temperature) {
    text += ", " + Whole(*gpu.temperature) + " °C";
    if (gpu.others) text += " (the others " + Whole(*gpu.others) + ")";
  }
  return text;
}

}  // namespace rankscope::diagnose
