#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "diagnose/knowledge/job_facts.h"

namespace rankscope::diagnose {

// A rule that would have told of a job's failure, for a person to read, try and keep. Two files of YAML
// (docs/rules.md).
struct RuleSuggestion {
  std::string alert;  // its name: "CudaOomLikeJobJ17"
  std::string rules;  // a rule file with this one rule
  std::string tests;  // `rankscope rules test`: it fires on the job's own words and is silent on others
};

// From the line with which it began; of a hang, from the silence that no usual step explains; of a loss that
// left its course, from how far; of another failure without words, from the speed that was lost. `rule_file` is the
// name under which the test finds the rule. kInvalid: the job is healthy, or nothing of that tells of its failure.
base::Result<RuleSuggestion> SuggestRule(const JobFacts& facts, const std::string& rule_file);

// A pattern in RE2's syntax that finds lines which differ from this one in numbers, addresses and paths alone.
std::string PatternOf(std::string_view line);

}  // namespace rankscope::diagnose
