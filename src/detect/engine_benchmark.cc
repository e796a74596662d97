#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cmath>

#include "base/file.h"
#include "detect/engine.h"
#include "detect/rules/rule_file.h"
#include "model/record_batch.h"

namespace rankscope::detect {
namespace {

constexpr int32_t kRanks = 64;
constexpr int64_t kSteps = 500;

// All rules that are shipped.
std::shared_ptr<const RuleSet> ShippedRules() {
  std::vector<Rule> rules;
  for (const char* name : {"hardware", "patterns", "training"}) {
    auto yaml = base::ReadWholeFile(std::string(RANKSCOPE_RULES) + "/" + name + ".yaml");
    auto parsed = ParseRuleFile(name, *yaml);
    for (Rule& rule : *parsed) rules.push_back(std::move(rule));
  }
  return *RuleSet::Make(std::move(rules));
}

// Metric records of 64 healthy ranks with eight metrics each.
std::shared_ptr<const model::RecordBatch> HealthySteps() {
  model::RecordBatchBuilder builder;
  uint64_t noise = 1;
  auto vary = [&](double value) {
    noise = noise * 6364136223846793005U + 1442695040888963407U;
    return value * (0.98 + 0.04 * static_cast<double>(noise >> 40) / (1 << 24));
  };
  for (int64_t step = 1; step <= kSteps; ++step) {
    for (int32_t rank = 0; rank < kRanks; ++rank) {
      model::Record record;
      record.origin.job = "j";
      record.origin.rank = rank;
      record.origin.node_rank = rank / 8;
      record.stream = model::Stream::kMetric;
      record.time = step * base::kNsPerSecond;
      record.seq = builder.size() + 1;
      record.step = step;
      record.fields = {{"loss", vary(2)},
                       {"learning_rate", 1e-4},
                       {"gradient_norm", vary(1)},
                       {"throughput_tokens_per_sec", vary(10000)},
                       {"step_time_s", vary(1)},
                       {"data_time_s", vary(0.05)},
                       {"gpu_memory_gib", vary(40)},
                       {"gpu_memory_usage", vary(60)}};
      builder.Add(record);
    }
  }
  return *model::RecordBatch::Decode(builder.Take());
}

// items_per_second: metric points a second on one core, with all rules. bytes_per_rank: what the engine holds then.
void TakePoints(benchmark::State& state) {
  auto rules = ShippedRules();
  auto batch = HealthySteps();
  int64_t points = 0;
  double held = 0;
  for (auto _ : state) {
    size_t before = mallinfo2().uordblks;
    Engine engine(rules, [](const Finding&) {});
    model::RecordBatch::Cursor cursor(*batch);
    model::RecordView record;
    while (cursor.Next(&record)) {
      engine.Take(record);
      points += static_cast<int64_t>(record.fields.size());
    }
    held = static_cast<double>(mallinfo2().uordblks - before);
  }
  state.counters["bytes_per_rank"] = held / kRanks;
  state.SetItemsProcessed(points);
}
BENCHMARK(TakePoints)->Unit(benchmark::kMillisecond);

// What 64 ranks in lock step say, of which each fifth record has metrics: the mix of bench/engine.py's `training`.
std::shared_ptr<const model::RecordBatch> TrainingRecords() {
  model::RecordBatchBuilder builder;
  uint64_t noise = 1;
  auto draw = [&](uint64_t below) {
    noise = noise * 6364136223846793005U + 1442695040888963407U;
    return (noise >> 33) % below;
  };
  auto number = [&](uint64_t below) { return std::to_string(draw(below)); };
  for (int64_t i = 0; i < kSteps * kRanks; ++i) {
    model::Record record;
    record.origin.job = "j";
    record.origin.rank = static_cast<int32_t>(i / 5 % kRanks);
    record.origin.node_rank = *record.origin.rank / 8;
    record.time = i / (5 * kRanks) * base::kNsPerSecond;
    record.seq = builder.size() + 1;
    record.step = i / (5 * kRanks) + 1;
    if (i % 5 == 0) {
      record.stream = model::Stream::kMetric;
      record.fields = {{"loss", 2 + static_cast<double>(draw(100)) / 1000},
                       {"gradient_norm", 1 + static_cast<double>(draw(100)) / 1000},
                       {"gpu_memory_usage", 61 + static_cast<double>(draw(100)) / 100},
                       {"throughput_tokens_per_sec", 78400 + static_cast<double>(draw(900))}};
    } else {
      std::string texts[] = {
          "iteration " + number(100000) + "/100000 | lm loss: 1." + number(1000000) + "E+00 | elapsed 1.5" + number(99),
          "node004:20033:21033 [1] NCCL INFO AllReduce: opCount " + number(90000) + " sendbuff 0x7f" +
              number(900000000),
          "worker " + number(8) + " fetched batch " + number(90000) + ": ids [" + number(90000000) + "] in 3.11 ms",
          "request_id=8f" + number(900000) + "-4a1c-" + number(9000) + "-bbbb-" + number(900000000) + " took 811 us",
          "[INFO:loader.shuffle] gradient checkpoint " + number(512) + " of 512"};
      record.text = texts[draw(5)];
    }
    builder.Add(record);
  }
  return *model::RecordBatch::Decode(builder.Take());
}

// items_per_second: records a second on one core, with all rules.
void TakeRecords(benchmark::State& state) {
  auto rules = ShippedRules();
  auto batch = TrainingRecords();
  for (auto _ : state) {
    Engine engine(rules, [](const Finding&) {});
    model::RecordBatch::Cursor cursor(*batch);
    model::RecordView record;
    while (cursor.Next(&record)) engine.Take(record);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(batch->size()));
}
BENCHMARK(TakeRecords)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace rankscope::detect
