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
LintReport Lint(const std::vector<Rule>& rules);

}  // namespace rankscope::detect
