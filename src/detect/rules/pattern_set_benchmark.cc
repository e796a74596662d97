#include <benchmark/benchmark.h>

#include <random>

#include "detect/rules/pattern_set.h"

namespace rankscope::detect {
namespace {

// Rules as people write them: an error of one of many components, with a number in it.
PatternSet ManyPatterns(int count) {
  static const std::vector<std::string> kParts = {"timeout", "refused", "overflow", "corrupt", "unreachable", "denied"};
  PatternSet patterns;
  for (int i = 0; i < count; ++i) {
    std::string part = kParts[static_cast<size_t>(i) % kParts.size()];
    if (!patterns.Add("component" + std::to_string(i) + " .* " + part + " after \\d+ (ms|s)").ok()) std::abort();
  }
  for (const char* literal : {".*CUDA out of memory.*", ".*NCCL timeout.*", ".*Process .* hung for .* seconds.*"}) {
    if (!patterns.Add(literal).ok()) std::abort();
  }
  patterns.Compile();
  return patterns;
}

std::vector<std::string> TrainingLines() {
  std::mt19937 random(7);  // NOLINT(bugprone-random-generator-seed,cert-msc51-cpp): the same lines in every run
  std::vector<std::string> lines;
  for (int i = 0; i < 1000; ++i) {
    std::string step = std::to_string(i), loss = std::to_string(2 + 0.001 * static_cast<double>(random() % 1000));
    if (i % 100 == 99) {
      lines.push_back("component" + step + " of rank 3 gave a timeout after 30 s");
    } else if (i % 3 == 0) {
      lines.push_back("{'loss': " + loss + ", 'grad_norm': 0.53, 'learning_rate': 1e-05, 'epoch': 0.4}");
    } else {
      lines.push_back("2026-11-24 10:00:" + std::to_string(i % 60) + " INFO trainer.py:120 step " + step +
                      " loaded shard 17 of 128 from the cache in 0.4 s, memory 23.3GiB");
    }
  }
  return lines;
}

// items_per_second: lines a second on one core.
void MatchLines(benchmark::State& state) {
  PatternSet patterns = ManyPatterns(static_cast<int>(state.range(0)));
  std::vector<std::string> lines = TrainingLines();
  std::vector<int> found;
  size_t at = 0;
  for (auto _ : state) {
    patterns.Match(lines[at], &found);
    benchmark::DoNotOptimize(found);
    at = (at + 1) % lines.size();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(MatchLines)->Arg(30)->Arg(300)->Arg(3000);

}  // namespace
}  // namespace rankscope::detect
