// A storm: new incidents of 50 jobs, as fast as they are taken, planned for three channels once in 100.
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <stdlib.h>

#include "notify/planner.h"

namespace rankscope::notify {
namespace {

constexpr const char* kConfig = R"(
receivers:
- {name: chat, webhook: {url: 'http://127.0.0.1:1'}}
- {name: manager, alertmanager: {url: 'http://127.0.0.1:1'}}
- {name: pager, pagerduty: {url: 'http://127.0.0.1:1', routing_key: $NOTIFY_BENCHMARK_KEY}}
route: {receiver: chat, routes: [{continue: true}, {receiver: manager, continue: true}, {receiver: pager}]}
)";
constexpr int kUpdates = 100'000;

Update UpdateOf(int number) {
  Update update;
  update.incident = "j-20250405/incident-" + std::to_string(number);
  update.version = 1;
  update.project = "default";
  update.job = "j-" + std::to_string(number % 50);
  update.severity = Severity::kCritical;
  update.incident_class = "network";
  update.ranks = "0-7,371";
  update.title = "NCCL timeout on 0-7,371 (9 of 1024), first 371 at step 1200";
  update.evidence = std::string(200, 'x');
  return update;
}

void Storm(benchmark::State& state) {
  setenv("NOTIFY_BENCHMARK_KEY", "k", 1);
  auto config = ParseConfig("benchmark", ".", kConfig);
  auto unblocked = [](const std::string&) { return false; };
  size_t messages = 0, bytes = 0;
  for (auto _ : state) {
    size_t before = mallinfo2().uordblks;
    Planner planner(*config);
    base::TimeNs now = 1'700'000'000 * base::kNsPerSecond;
    for (int i = 0; i < kUpdates; ++i) {
      if (auto admitted = planner.Admit(UpdateOf(i), now)) planner.Take(*std::move(admitted), now);
      now += 60 * base::kNsPerSecond / kUpdates;  // a minute in all
      if (i % 100 == 99) messages += planner.Plan(now, unblocked).size();
    }
    bytes = mallinfo2().uordblks - before;
  }
  state.SetItemsProcessed(state.iterations() * kUpdates);
  state.counters["bytes_in_the_end"] = static_cast<double>(bytes);
  state.counters["messages"] = benchmark::Counter(static_cast<double>(messages), benchmark::Counter::kAvgIterations);
}
BENCHMARK(Storm)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace rankscope::notify
