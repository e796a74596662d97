#pragma once

#include <cstddef>
#include <string>

#include "base/status.h"

namespace rankscope::cli {

// `rankscope jobs`: a line a job, newest first. With `json`, the server's objects as they are. `width`: of the
// terminal; 0: it is none, and nothing is cut.
base::Status RunJobs(const std::string& server, bool json, size_t width);

// `rankscope jobs show J`: state and why, run configuration, and the table rank, node, host, pid, GPU, source, exit.
base::Status RunJobsShow(const std::string& server, const std::string& job, bool json, size_t width);

// kNotFound names a job that the server does not know; the name "" is of every job.
base::Status CheckJob(const std::string& server, const std::string& job);

// `rankscope jobs set J --log_interval_steps N`: for the running job, on all its nodes. kNotFound: it is not running.
base::Status RunJobsSet(const std::string& server, const std::string& job, int log_interval_steps, bool json);

// `rankscope jobs delete J`: all its records and what is known of it. kInternal: it is pinned or runs, without `force`.
base::Status RunJobsDelete(const std::string& server, const std::string& job, bool force);

// `rankscope pin J`: retention leaves the job alone. `by`: who says so; `note`: why.
base::Status RunPin(const std::string& server, const std::string& job, const std::string& by, const std::string& note);
base::Status RunUnpin(const std::string& server, const std::string& job);

}  // namespace rankscope::cli
