#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "agent/exit_status.h"
#include "model/record.h"

namespace rankscope::agent {

// Records of stream `event` by which the catalog knows when and how ranks and nodes began and ended.

// "rank 7".
std::string NameOf(const model::Origin& origin);

// Adds to an end event how the process ended (exit_code, or signal and signal_number; level; exit_source) and says it
// in words: "exit 1", "SIGKILL", "how is unknown" without a status.
std::string DescribeEnd(const std::optional<ExitStatus>& status, model::Record* end);

// `rank_exit` of a rank. `oom_killed`: whether the kernel's OOM killer struck in its cgroup while it ran, if known.
model::Record RankExit(const model::Origin& origin, pid_t pid, const std::optional<ExitStatus>& status,
                       std::optional<bool> oom_killed);

// The message in an error file of torchelastic ({"message": {"message": TEXT, …}} or {"message": TEXT}), at most 4 KiB
// of it; empty where there is none.
std::string ReadErrorFile(const std::string& path);

}  // namespace rankscope::agent
