#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rankscope::agent {

using Environment = std::function<const char*(const char*)>;  // getenv, or a test's

// Who a process is within its job, from the names that torchrun, Slurm, Open MPI and PMI give it. RANK counts only
// where LOCAL_RANK is set: without it, it may be the node's.
struct Identity {
  std::optional<int32_t> rank, local_rank, node_rank, world_size;
  int32_t attempt = 0;
};
Identity IdentityFrom(const Environment& environment);

// The same for all nodes of one launch, another for a relaunch: Slurm's job and restart, the rendezvous id of the
// command line, the MPI job; else, on several nodes, master address and port; else empty (the caller makes one up).
std::string JobIdFrom(const Environment& environment, const std::vector<std::string>& command);

// The value of `--NAME V` or `--NAME=V`, - and _ alike; empty if absent.
std::string OptionOf(const std::vector<std::string>& command, std::string_view name);

}  // namespace rankscope::agent
