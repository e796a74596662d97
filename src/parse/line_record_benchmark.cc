#include <benchmark/benchmark.h>

#include "parse/line_record.h"

namespace rankscope::parse {
namespace {

void Understand(benchmark::State& state, const char* text) {
  size_t bytes = 0;
  for (auto _ : state) {
    model::Record record;
    record.text = text;
    RedactSecrets(&record.text);
    UnderstandLine(&record);
    benchmark::DoNotOptimize(record);
    bytes += record.text.size();
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}

BENCHMARK_CAPTURE(Understand, prose, "2026-11-24 10:00:00 INFO loaded shard 17 of 128 from the cache in 0.4 s");
BENCHMARK_CAPTURE(Understand, dict, "{'loss': 2.15, 'grad_norm': 0.53, 'learning_rate': 1e-05, 'epoch': 0.4}");
BENCHMARK_CAPTURE(Understand, key_value,
                  "step: 12  loss: 2.1500  grad_norm: 0.5300  memory: 23.3GiB(29.4%)  tps: 7,123");

}  // namespace
}  // namespace rankscope::parse
