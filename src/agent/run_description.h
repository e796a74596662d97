#pragma once

#include <string>
#include <vector>

#include "model/record.h"

namespace rankscope::agent {

// What there is to know about a run before it starts: command, directory, environment (JSON, without secrets), git
// commit, kernel and NVIDIA driver, parallelism as the command line and its DeepSpeed file state it, and from that the
// world size. Into the fields of its `job_start`. What only the training knows (arguments, package and NCCL versions)
// comes from its hooks, in events `training_arguments` and `versions`.
void DescribeRun(const std::vector<std::string>& command, const char* const* environment, model::Fields* fields);

// The commit that the repository around `directory` has checked out; empty if there is none. Reads .git, runs nothing.
std::string GitCommit(const std::string& directory);

}  // namespace rankscope::agent
