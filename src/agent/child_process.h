#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace rankscope::agent {

// execvp; never returns: says on stderr why it could not, and ends as a shell would (127 not found, 126 not runnable).
[[noreturn]] void ExecCommand(const std::vector<std::string>& command);

// Starts a program in a session of its own, with the signal mask given, its output appended to a file, and a priority
// below the training's. The pid, or -1.
pid_t StartDetached(const std::vector<std::string>& command, const std::string& log_path, const sigset_t& signals);

}  // namespace rankscope::agent
