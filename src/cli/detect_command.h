#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "cli/rule_files.h"

namespace rankscope::cli {

struct DetectOptions {
  RuleSources rules;
  std::vector<std::string> paths;  // of logs or records, else
  std::string server, job;         // the job that the server has
  bool json = false;
};

// `rankscope detect`: the rules over records that there are, and the findings, a line each. The server's engine would
// have made the same ones, as they came.
base::Status RunDetect(const DetectOptions& options);

}  // namespace rankscope::cli
