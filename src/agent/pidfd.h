#pragma once

#include <sys/types.h>

#include "base/file.h"

namespace rankscope::agent {

// A descriptor of the process, readable once it has ended. Invalid, with errno, where there is no such process.
base::UniqueFd OpenPidfd(pid_t pid);

// As kill(2), and never to another process that has got the pid since.
void SignalProcess(int pidfd, int number);

}  // namespace rankscope::agent
