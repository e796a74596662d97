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

// What to tell the user of a RANK that stands alone and so does not count; empty: there is none, or the command is a
// launcher (and no shell), for which it is the node's indeed.
std::string LoneRankAdvice(const Environment& environment, const std::vector<std::string>& command);

// What a command line and its environment say of the launch that they are a part of: torchrun's and accelerate's
// options, Slurm's, Open MPI's and PMIx's variables, and NNODES, NODE_RANK, MASTER_ADDR, MASTER_PORT, which ms-swift
// and cloud platforms use.
struct Launch {
  // The same on all nodes, and often for a relaunch, too: Slurm's job, step and restart, the rendezvous id, the MPI
  // job; else, on several nodes, master address and port. Empty: nothing names it.
  std::string key;
  int32_t nodes = 1;  // at most
  std::optional<int32_t> node_rank;
  std::string master;  // host name or address of node 0, where stated
  // This process's place in the launch: "node 1", "host a"; where the launcher starts it once a rank, "node 1 local 3".
  std::string member;
};
Launch LaunchFrom(const Environment& environment, const std::vector<std::string>& command, const std::string& host);

// Whether the command of a process starts ranks rather than being one: torchrun and its like, or a shell. In a Slurm or
// MPI task of its own it has a rank's variables all the same.
bool IsLauncher(const std::vector<std::string>& command);

// The value of `--NAME V` or `--NAME=V`, - and _ alike; empty if absent.
std::string OptionOf(const std::vector<std::string>& command, std::string_view name);
// Whether `--NAME` is there at all.
bool HasOption(const std::vector<std::string>& command, std::string_view name);

}  // namespace rankscope::agent
