#include "diagnose/suspects/host_memory.h"

#include <re2/re2.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

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

// "rss 139.6GB", "cpu_mem: 61 %": what a report of the training says that its process, or its host, holds.
struct PrintedMemory {
  std::string name, unit;
  double held = 0;
};

std::optional<PrintedMemory> ReadPrinted(std::string_view text) {
  static const re2::RE2 kHeld(
      R"((?i)(?:^|[\s|,(\[])((?:cpu|host|sys|system)[_ ]?(?:mem|ram)\w*|rss\w*|ram\w*)[ =:]{1,3}(\d+(?:\.\d+)?)( ?(?:[GM]i?B?|%))?(?:[\s|,)\]]|$))");
  PrintedMemory printed;
  const bool found = re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kHeld, &printed.name,
                                            &printed.held, &printed.unit);
  return found ? std::optional(std::move(printed)) : std::nullopt;
}

// How it went before the cause, by the rank's reports, or by those of all where none is known; empty: too few tell.
std::vector<std::string> TellPrintedMemory(const Reading& reading, const Suspect& cause, std::optional<int32_t> rank) {
  constexpr size_t kFewest = 4;
  std::optional<PrintedMemory> first;
  double last = 0;
  size_t reports = 0, rises = 0;
  for (const Point& point : reading.points) {
    const bool of_peer = rank && point.rank && point.rank != rank;
    if (of_peer || reading.positions[point.line] > reading.positions[cause.line]) continue;
    auto printed = ReadPrinted(reading.bodies[point.line].text);
    if (!printed || (first && (printed->name != first->name || printed->unit != first->unit))) continue;
    rises += first && printed->held > last ? 1 : 0;
    last = printed->held;
    if (!first) first = std::move(printed);
    ++reports;
  }
  if (reports < kFewest) return {};
  const bool steady = rises * 3 >= (reports - 1) * 2;
  return {first->name + " went from " + Gib(first->held) + " to " + Gib(last) + first->unit + " in " +
          std::to_string(reports) + " reports" + (steady ? ", steadily" : "")};
}

std::string TimeOf(const Reading& reading, size_t line) {
  const auto& time = reading.read->lines[line].time;
  return time ? " at " + ShownSecond(*time) : std::string();
}

}  // namespace

std::vector<std::string> TellHostMemory(const Reading& reading, const Suspect& cause, std::optional<int32_t> rank) {
  const std::vector<Sample> samples = SamplesOf(reading, NodeOf(reading, cause.line, rank));
  if (samples.empty()) return TellPrintedMemory(reading, cause, rank);
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
