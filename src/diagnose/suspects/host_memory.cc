#include "diagnose/suspects/host_memory.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "diagnose/reading/sample_records.h"

namespace rankscope::diagnose {
namespace {

struct Sample {
  size_t line = 0;
  std::string host;
  double available = 0;
  std::optional<double> total, used, limit, kills;
};

std::string Gib(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::optional<int32_t> NodeOf(const Reading& reading, size_t line, std::optional<int32_t> rank) {
  for (size_t i = 0; rank && i < reading.ranks.size(); ++i) {
    if (reading.ranks[i] == rank && reading.read->lines[i].node_rank) return reading.read->lines[i].node_rank;
  }
  return reading.read->lines[line].node_rank;
}

// Of that node, in their order.
std::vector<Sample> SamplesOf(const Reading& reading, std::optional<int32_t> node) {
  std::vector<Sample> samples;
  EachSample(*reading.read, "memory_available_gib", [&](const nlohmann::json& json, size_t line) {
    if (node && reading.read->lines[line].node_rank.value_or(*node) != *node) return;
    const auto available = NumberIn(json, "memory_available_gib");
    if (!available) return;
    samples.push_back({line, LabelIn(json, "host"), *available, NumberIn(json, "memory_total_gib"),
                       NumberIn(json, "cgroup_memory_gib"), NumberIn(json, "cgroup_memory_limit_gib"),
                       NumberIn(json, "cgroup_oom_kills")});
  });
  return samples;
}

std::string TimeOf(const Reading& reading, size_t line) {
  const auto& time = reading.read->lines[line].time;
  return time ? " at " + ShownSecond(*time) : std::string();
}

}  // namespace

std::vector<std::string> TellHostMemory(const Reading& reading, const Suspect& cause, std::optional<int32_t> rank) {
  const std::vector<Sample> samples = SamplesOf(reading, NodeOf(reading, cause.line, rank));
  if (samples.empty()) return {};
  const Sample* least = &samples.front();
  for (const Sample& sample : samples) {
    if (sample.available < least->available) least = &sample;
  }
  std::vector<std::string> told;
  std::string host = least->host.empty() ? "the host" : "host " + least->host;
  std::string of_total = least->total ? " of " + Gib(*least->total) : "";
  told.push_back(host + " had " + Gib(samples.front().available) + of_total + " GiB of memory available at first, " +
                 Gib(least->available) + " at least" + TimeOf(reading, least->line));
  const Sample& last = samples.back();
  if (last.used && last.limit) {
    told.push_back("its control group held " + Gib(*last.used) + " GiB of the " + Gib(*last.limit) +
                   " that it may have" + TimeOf(reading, last.line));
  }
  const double kills = last.kills.value_or(0) - samples.front().kills.value_or(0);
  if (kills > 0)
    told.push_back("the kernel counted " + std::to_string(static_cast<int64_t>(kills)) + " OOM kills there");
  return told;
}

}  // namespace rankscope::diagnose
