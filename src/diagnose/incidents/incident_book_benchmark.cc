#include <benchmark/benchmark.h>
#include <malloc.h>

#include "diagnose/incidents/incident_book.h"

namespace rankscope::diagnose {
namespace {

constexpr int kJobs = 50, kRanks = 1024, kFindings = 100'000;

// A minute of a storm: ranks of many jobs, of a dozen kinds of trouble, that begin and end.
std::vector<detect::Finding> Storm() {
  constexpr const char* kClasses[] = {"thermal",         "network",   "throughput_drop", "loss_spike",
                                      "memory_pressure", "loss_high", "straggler",       "hang",
                                      "data_loading",    "odd_rank",  "grad_explosion",  "custom"};
  std::vector<detect::Finding> findings;
  findings.reserve(kFindings);
  for (int i = 0; i < kFindings; ++i) {
    detect::Finding& finding = findings.emplace_back();
    finding.job = "job" + std::to_string(i % kJobs);
    finding.finding_class = kClasses[i / kJobs % std::size(kClasses)];
    finding.rule = "Rule" + std::to_string(i / kJobs % 40);
    finding.scope.rank = i * 7919 % kRanks;
    finding.scope.node_rank = *finding.scope.rank / 8;
    finding.time = (1'700'000'000 + i / 1667) * base::kNsPerSecond;
    finding.message = finding.rule + " on rank " + std::to_string(*finding.scope.rank);
    finding.id = detect::FindingId(finding);
  }
  return findings;
}

size_t BytesInUse() {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// All of them active at once: the most that the book has to hold.
void BM_Storm(benchmark::State& state) {
  std::vector<detect::Finding> storm = Storm();
  size_t versions = 0, bytes = 0, active = 0, known = 0;
  for (auto run : state) {
    size_t before = BytesInUse();
    versions = 0;
    IncidentBook book("p", [&](const Incident&) { ++versions; });
    for (const detect::Finding& finding : storm) book.Take(finding);
    bytes = BytesInUse() - before;
    active = book.active();
    known = book.known();
    for (detect::Finding& finding : storm) {
      finding.active = false;
      finding.ended = finding.time + base::kNsPerSecond;
      book.Take(finding);
      finding.active = true;
    }
  }
  state.SetItemsProcessed(state.iterations() * 2 * kFindings);
  state.counters["bytes_an_active_finding"] = static_cast<double>(bytes) / static_cast<double>(active);
  state.counters["mib"] = static_cast<double>(bytes) / (1 << 20);
  state.counters["incidents"] = static_cast<double>(known);
  state.counters["versions"] = static_cast<double>(versions);
}
BENCHMARK(BM_Storm)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace rankscope::diagnose
