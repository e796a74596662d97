#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "cli/rule_files.h"
#include "detect/finding.h"

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

// In the order in which they began, each in its last state. kNotFound: the server has no record of the job.
base::Result<std::vector<detect::Finding>> FindingsOfStoredJob(const RuleSources& rules, const std::string& server,
                                                               const std::string& job);

}  // namespace rankscope::cli
