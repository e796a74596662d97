#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/file.h"

namespace rankscope::agent {

// Tells the kernel's OOM kills from other SIGKILLs by the counters of the ranks' memory cgroups: `oom_kill` of
// memory.events (v2) or memory.oom_control (v1). A counter does not name its victims: each step of it is laid to one
// rank of the cgroup, the first that is found SIGKILLed. Where there is no counter, by the kernel's log, if it may be
// read. One thread.
class OomWatch {
 public:
  explicit OomWatch(std::string root = "");  // before /proc and /sys: a test's

  // REQUIRES the process lives: a dead one has no cgroup.
  void Add(pid_t pid);
  // Called once for a process that ended by SIGKILL. Nullopt where neither counter nor log can be read.
  std::optional<bool> Struck(pid_t pid);

 private:
  struct Counter {
    uint64_t begin = 0, claimed = 0;
  };
  std::string CounterOf(pid_t pid) const;
  std::optional<bool> LogNames(pid_t pid);

  const std::string root_;
  std::map<std::string, Counter> counters_;  // by path
  std::map<pid_t, std::string> paths_;
  base::UniqueFd log_;  // /dev/kmsg, from the keeper's start on
  std::string victims_;
};

}  // namespace rankscope::agent
