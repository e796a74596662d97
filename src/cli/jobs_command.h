#pragma once

#include <string>

#include "base/status.h"

namespace rankscope::cli {

// `rankscope jobs`: a line a job, newest first. With `json`, the server's objects as they are.
base::Status RunJobs(const std::string& server, bool json);

// `rankscope jobs show J`: state and why, run configuration, and the table rank, node, host, pid, GPU, source, exit.
base::Status RunJobsShow(const std::string& server, const std::string& job, bool json);

// `rankscope jobs set J --log_interval_steps N`: for the running job, on all its nodes. kNotFound: it is not running.
base::Status RunJobsSet(const std::string& server, const std::string& job, int log_interval_steps);

}  // namespace rankscope::cli
