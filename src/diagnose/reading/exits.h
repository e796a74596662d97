#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "diagnose/case/case.h"
#include "diagnose/reading/line_body.h"

namespace rankscope::diagnose {

// As Linux numbers them, whatever this machine is.
inline constexpr int32_t kSigabrt = 6, kSigkill = 9, kSigterm = 15;

// What a launcher or a scheduler tells of the end of one process.
struct Exit {
  size_t line = 0;
  std::optional<int32_t> node_rank, rank, local_rank;
  std::optional<int32_t> code;    // of an exit
  std::optional<int32_t> signal;  // of a death by one
  std::string time;               // as a table prints it
  bool first_observed = false;    // torchelastic's "Root Cause"
  size_t code_line = 0;           // where a table has the code, below the rank
};

// From torchelastic's lines and tables, srun, mpirun, DeepSpeed, Accelerate, mp.spawn, Ray and shells, in the order of
// the lines. A table and a line about the same process are two.
std::vector<Exit> FindExits(const Case& read, const std::vector<LineBody>& bodies);

// Whose it is; a local rank is a global one on the first node.
std::optional<int32_t> RankOf(const Exit& exit);

// "SIGKILL" for 9.
std::string SignalName(int32_t signal);

}  // namespace rankscope::diagnose
