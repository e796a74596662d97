#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::cli {

// `rankscope rules lint FILE…`: prints what is wrong, a line each. kInvalid: there are errors, so many.
base::Status RunRulesLint(const std::vector<std::string>& files);

// `rankscope rules test FILE…`: makes each test's job up, runs the rules over it and prints what differs. Rule files
// are looked for beside the test file; a test file that names none means those in `shipped`. kInvalid: so many fail.
base::Status RunRulesTest(const std::vector<std::string>& files, const std::string& shipped);

// `rankscope rules import FILE`: a rule file of Prometheus or Loki becomes one of ours on stdout; what could not be
// translated is said on stderr, rule by rule.
base::Status RunRulesImport(const std::string& file);

}  // namespace rankscope::cli
