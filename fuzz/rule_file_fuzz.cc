// A rule file: read or refused with its place; rules that are read are looked at by lint, and run over a few records
// without harm.
#include <cstdlib>

#include "detect/rule_tests/rule_test.h"
#include "detect/rules/foreign_rules.h"
#include "detect/rules/lint.h"
#include "detect/rules/rule_file.h"

namespace {

using namespace rankscope;

std::vector<model::Record> MakeRecords() {
  std::vector<model::Record> records;
  for (int64_t i = 0; i < 120; ++i) {
    model::Record record;
    record.origin.job = "j";
    record.origin.rank = static_cast<int32_t>(i % 4);
    record.origin.node_rank = static_cast<int32_t>(i % 2);
    record.time = i * base::kNsPerSecond;
    record.step = i / 4;
    record.stream = i % 3 ? model::Stream::kMetric : model::Stream::kStderr;
    record.text = i % 3 ? "" : "CUDA out of memory\nNCCL WARN timeout " + std::to_string(i);
    record.fields = {{"loss", i % 7 ? 0.5 * static_cast<double>(i) : __builtin_nan("")},
                     {"gradient_norm", 1.0},
                     {"learning_rate", 1e-4},
                     {"gpu_memory_usage", 99.0}};
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<model::Record> records = MakeRecords();
  const std::string yaml(reinterpret_cast<const char*>(data), size);
  (void)detect::TranslateRules("f", yaml);
  (void)detect::ParseRuleTests("f", yaml);
  auto rules = detect::ParseRuleFile("f", yaml);
  if (!rules.ok()) {
    if (rules.status().message().find("f:") != 0) std::abort();
    return 0;
  }
  (void)detect::Lint(*rules);
  auto set = detect::RuleSet::Make(*std::move(rules));
  if (set.ok()) (void)detect::FindingsOf(*set, records);
  return 0;
}
