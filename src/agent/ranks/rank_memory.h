#pragma once

#include <sys/types.h>

#include "model/record.h"

namespace rankscope::agent {

// What can be said of a process's memory and collectives without asking it: host_memory_gib, host_memory_peak_gib, and
// flight_recorder, the file into which NCCL writes what its collectives wait for. That is asked for by the pipe that
// the process's environment names ($TORCH_NCCL_DEBUG_INFO_PIPE_FILE), where there is one; nobody waits for it.
model::Fields MemoryOf(pid_t pid, int32_t rank);

}  // namespace rankscope::agent
