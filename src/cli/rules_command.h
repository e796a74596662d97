#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::cli {

// `rankscope rules lint FILE…`: prints what is wrong, a line each, also with those in `shipped` beside them, unless
// they are of these, and by the notification file `notify`, where one is named. kInvalid: there are errors, so many.
base::Status RunRulesLint(const std::vector<std::string>& files, const std::string& shipped, const std::string& notify);

// `rankscope rules test FILE…`: makes each test's job up, runs the rules over it and prints what differs. Rule files
// are looked for beside the test file; a test file that names none means those in `shipped`. Where `job` is one of the
// server's, each test is of its records instead. kInvalid: so many fail.
struct RulesTestOptions {
  std::vector<std::string> files;
  std::string shipped;
  std::string server, job;  // empty: none
};
base::Status RunRulesTest(const RulesTestOptions& options);

// `rankscope rules import FILE`: a rule file of Prometheus or Loki becomes one of ours on stdout; what could not be
// translated is said on stderr, rule by rule.
base::Status RunRulesImport(const std::string& file);

}  // namespace rankscope::cli
