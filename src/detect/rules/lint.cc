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
  Linter(const std::vector<Rule>& rules, const std::vector<Rule>& others) : rules_(rules), others_(others) {
    for (const Rule& rule : rules) AddPatterns(rule);
    own_ = uses_.size();
    for (const Rule& rule : others) AddPatterns(rule);
    patterns_.Compile();
  }

  LintReport Run() {
    auto set = RuleSet::Make(rules_);
    if (!set.ok()) report_.errors.push_back(set.status().message());
    for (size_t i = 0; i < own_; ++i) CheckPattern(static_cast<int>(i));
    for (const Rule& rule : rules_) CheckRule(rule);
    return std::move(report_);
  }

 private:
  void AddPatterns(const Rule& rule) {
    const auto* line = std::get_if<LineCondition>(&rule.condition);
    for (size_t i = 0; line && i < line->patterns.size(); ++i) {
      if (patterns_.Add(line->patterns[i]).ok()) uses_.push_back({&rule, line->patterns[i]});
    }
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
    for (const Rule& other : others_) {
      if (other.name != rule.name) continue;
      report_.warnings.push_back(Named(rule) + "has the name of " + other.place +
                                 ": the two cannot be in force together");
    }
    if (rule.summary.empty())
      report_.warnings.push_back(Named(rule) + "has no summary: people will see the bare facts");
    for (const auto& [name, value] : rule.labels) {
      if (value.find("{{") == std::string::npos) continue;
      report_.errors.push_back(Named(rule) + "the label " + name +
                               " changes with each evaluation: say it in a summary");
    }
  }

  const std::vector<Rule>& rules_;
  const std::vector<Rule>& others_;
  PatternSet patterns_;
  std::vector<PatternUse> uses_;
  size_t own_ = 0;  // of these are not the others'
  LintReport report_;
};

}  // namespace

LintReport Lint(const std::vector<Rule>& rules, const std::vector<Rule>& others) { return Linter(rules, others).Run(); }

}  // namespace rankscope::detect
