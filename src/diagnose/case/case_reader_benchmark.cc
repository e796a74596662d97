#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "diagnose/case/case.h"

namespace rankscope::diagnose {
namespace {

constexpr size_t kRanks = 4;
constexpr size_t kRankBytes = 32 << 20;

std::string LinesOf(size_t rank) {
  std::mt19937 random(static_cast<unsigned>(rank));  // NOLINT(cert-msc51-cpp): the same lines in every run
  std::string text;
  for (int step = 0; text.size() < kRankBytes; ++step) {
    std::string number = std::to_string(step), part = std::to_string(random() % 10'000);
    text += "{'loss': 2." + part + ", 'grad_norm': 0." + part + ", 'learning_rate': 1e-05, 'epoch': 0.4}\n";
    text += "[2026-11-01 00:00:" + std::to_string(10 + step % 50) + ",123] [INFO] [loader.py:88] worker " +
            std::to_string(step % 8) + " fetched batch " + number + " in 3." + part + " ms\n";
  }
  return text + "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'\n";
}

// bytes_per_second: of text, by the wall; two threads read it. Patterns of the usual words of failures.
void ReadFolder(benchmark::State& state) {
  std::string folder = std::filesystem::temp_directory_path() / "rankscope-case-benchmark";
  std::filesystem::create_directories(folder);
  for (size_t rank = 0; rank < kRanks; ++rank) {
    std::ofstream(folder + "/rank_" + std::to_string(rank) + ".log") << LinesOf(rank);
  }
  detect::PatternSet telling;
  for (const char* pattern :
       {"Error\\b", "CUDA out of memory", "Watchdog caught", "exit(ed with)? code", "NCCL WARN"}) {
    if (!telling.Add(pattern).ok()) std::abort();
  }
  telling.Compile();
  uint64_t bytes = 0, lines = 0;
  for (auto _ : state) {
    auto read = ReadCase({folder}, telling);
    if (!read.ok()) std::abort();
    bytes += read->bytes_read;
    lines = read->lines.size();
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
  state.counters["lines_kept"] = static_cast<double>(lines);
  std::filesystem::remove_all(folder);
}
BENCHMARK(ReadFolder)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace rankscope::diagnose
