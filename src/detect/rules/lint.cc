#include "detect/rules/lint.h"

#include <algorithm>
#include <map>

#include "detect/rules/dead_pattern.h"
#include "detect/rules/pattern_set.h"
#include "detect/rules/rule_set.h"

namespace rankscope::detect {
namespace {

struct PatternUse {
  const Rule* rule;
  std::string pattern;
};

// The text that a pattern without operators stands for, less .* at its ends; empty: it has operators.
std::string LiteralOf(std::string pattern) {
  if (pattern.starts_with(".*")) pattern.erase(0, 2);
  if (pattern.ends_with(".*")) pattern.erase(pattern.size() - 2);
  return pattern.find_first_of("\\^$.|?*+()[]{}") == std::string::npos ? pattern : "";
}

class Linter {
 public:
  explicit Linter(const std::vector<Rule>& rules) : rules_(rules) {
    for (const Rule& rule : rules) {
      const auto* line = std::get_if<LineCondition>(&rule.condition);
      for (size_t i = 0; line && i < line->patterns.size(); ++i) Add(rule, line->patterns[i]);
    }
    patterns_.Compile();
  }

  LintReport Run() {
    auto set = RuleSet::Make(rules_);
    if (!set.ok()) report_.errors.push_back(set.status().message());
    for (size_t i = 0; i < uses_.size(); ++i) CheckPattern(static_cast<int>(i));
    for (const Rule& rule : rules_) CheckRule(rule);
    return std::move(report_);
  }

 private:
  void Add(const Rule& rule, const std::string& pattern) {
    if (patterns_.Add(pattern).ok()) uses_.push_back({&rule, pattern});
  }

  static std::string Named(const Rule& rule) { return rule.place + ": " + rule.name + ": "; }

  void CheckPattern(int number) {
    const PatternUse& use = uses_[static_cast<size_t>(number)];
    std::string quoted = "\"" + use.pattern + "\"";
    if (patterns_.MatchesEmpty(number)) {
      report_.errors.push_back(Named(*use.rule) + quoted + " matches the empty line, and so every line");
      return;
    }
    if (std::string why = WhyDead(use.pattern); !why.empty()) {
      report_.errors.push_back(Named(*use.rule) + quoted + " can never match: " + why);
      return;
    }
    const auto& unfiltered = patterns_.unfiltered();
    if (std::find(unfiltered.begin(), unfiltered.end(), number) != unfiltered.end()) {
      report_.warnings.push_back(Named(*use.rule) + quoted + " has no word of 3 letters: it is tried on every line");
    }
    CheckOverlap(number, quoted);
  }

  // Every line of a literal pattern that another rule's pattern is found in is one of that rule, too.
  void CheckOverlap(int number, const std::string& quoted) {
    const PatternUse& use = uses_[static_cast<size_t>(number)];
    std::string literal = LiteralOf(use.pattern);
    if (literal.empty()) return;
    std::vector<int> found;
    patterns_.Match(literal, &found);
    for (int other : found) {
      const PatternUse& covering = uses_[static_cast<size_t>(other)];
      bool once = covering.pattern == use.pattern && other < number;  // of two alike, say it once
      if (covering.rule == use.rule || once) continue;
      report_.warnings.push_back(Named(*use.rule) + quoted + " overlaps: its lines also match \"" + covering.pattern +
                                 "\" of " + covering.rule->name + ", " + covering.rule->place);
    }
  }

  void CheckRule(const Rule& rule) {
    if (rule.summary.empty())
      report_.warnings.push_back(Named(rule) + "has no summary: people will see the bare facts");
    for (const auto& [name, value] : rule.labels) {
      if (value.find("{{") == std::string::npos) continue;
      report_.errors.push_back(Named(rule) + "the label " + name +
                               " changes with each evaluation: say it in a summary");
    }
  }

  const std::vector<Rule>& rules_;
  PatternSet patterns_;
  std::vector<PatternUse> uses_;
  LintReport report_;
};

}  // namespace

LintReport Lint(const std::vector<Rule>& rules) { return Linter(rules).Run(); }

}  // namespace rankscope::detect
