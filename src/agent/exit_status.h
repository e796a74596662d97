#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace rankscope::agent {

// How a process ended, and who said so.
struct ExitStatus {
  int wait_status = 0;  // as waitpid gives it
  std::string source;   // "pidfd", "proc", "wait", "hook", "torchelastic"
};

// Asks the kernel about a process that has ended (its pidfd is readable): PIDFD_GET_INFO (Linux 6.15), then the
// zombie's /proc/PID/stat. Nullopt when neither answers: the launcher reaped it already on an older kernel.
std::optional<ExitStatus> ReadExitStatus(int pidfd, pid_t pid);

// The exit_code field (the 52nd) of the content of /proc/PID/stat of a zombie.
std::optional<int> ExitCodeOfStat(const std::string& stat);

// "SIGKILL" for 9; "signal 77" for one without a name.
std::string SignalName(int signal);

}  // namespace rankscope::agent
