#include "agent/pidfd.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace rankscope::agent {

// By number: glibc 2.36 declares both without C linkage.
base::UniqueFd OpenPidfd(pid_t pid) { return base::UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

void SignalProcess(int pidfd, int number) { syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0); }

}  // namespace rankscope::agent
