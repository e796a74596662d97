#pragma once

#include <string>
#include <vector>

#include "detect/rules/rule.h"

namespace rankscope::detect {

// What is wrong with rules that can be read, a line each: "FILE:LINE: …". Errors must not be shipped, the others are
// worth a look.
struct LintReport {
  std::vector<std::string> errors, warnings;
};
// `others` are in force beside them, as those that are shipped: what is wrong among these alone is not said.
LintReport Lint(const std::vector<Rule>& rules, const std::vector<Rule>& others = {});

}  // namespace rankscope::detect
