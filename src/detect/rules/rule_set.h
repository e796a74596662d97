#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "detect/rules/pattern_set.h"
#include "detect/rules/rule.h"

namespace rankscope::detect {

// Which number of a metric a field of a record is: loss, loss_min, loss_max, …
enum class Statistic : uint8_t { kLast, kMin, kMax, kMean, kNonfinite };

// Rules that work together, with everything that can be made of them beforehand. Immutable, so any thread may use it;
// an engine takes another one in its place while it runs.
class RuleSet {
 public:
  struct Metric {
    std::string name;
    size_t points = 0;  // of its window
  };
  struct FieldUse {
    int metric = 0;
    Statistic statistic = Statistic::kLast;
  };

  // kInvalid: two rules with one name, each with its place.
  static base::Result<std::shared_ptr<const RuleSet>> Make(std::vector<Rule> rules);

  const std::vector<Rule>& rules() const { return rules_; }
  const PatternSet& patterns() const { return patterns_; }
  const std::vector<Metric>& metrics() const { return metrics_; }

  // REQUIRES the pattern or metric is one of some rule here.
  int PatternNumber(const std::string& pattern) const { return pattern_numbers_.at(pattern); }
  int MetricNumber(const std::string& metric) const { return metric_numbers_.at(metric); }
  // Of a line that speaks of an evaluation or a checkpoint: for a while nobody trains.
  int pause_pattern() const { return pause_pattern_; }
  // Null: no rule looks at the field.
  const FieldUse* FindField(std::string_view field) const;

 private:
  base::Status AddCondition(const Rule& rule);
  base::Status AddFact(const Fact& fact, const std::string& place);
  base::Status AddLine(const LineCondition& line, const std::string& place);
  void AddMetric(const std::string& name, size_t points);
  void AddExpression(const std::string& metric, const When& when);
  void NameFields();

  std::vector<Rule> rules_;
  PatternSet patterns_;
  int pause_pattern_ = 0;
  std::vector<Metric> metrics_;
  std::unordered_map<std::string, int> pattern_numbers_, metric_numbers_;
  std::vector<std::string> field_names_;
  std::unordered_map<std::string_view, FieldUse> fields_;  // keys in field_names_
};

}  // namespace rankscope::detect
