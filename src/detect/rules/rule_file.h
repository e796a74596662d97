#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "detect/rules/rule.h"

namespace rankscope::detect {

// The rules of a file in YAML (docs/rules.md). kInvalid: "NAME:LINE:COLUMN: what was expected, found what"; then there
// is no rule of the file.
base::Result<std::vector<Rule>> ParseRuleFile(const std::string& name, const std::string& yaml);

}  // namespace rankscope::detect
