#include "agent/child_process.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/file.h"

namespace rankscope::agent {
namespace {

// The training goes first. A new session is a scheduling group of its own (autogroup), which has a niceness, too.
void YieldToTraining() {
  (void)!nice(10);
  auto group = base::OpenFile("/proc/self/autogroup", O_WRONLY);
  if (group.ok()) (void)!write(group->get(), "10", 2);
}

}  // namespace

void ExecCommand(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  int error = errno;
  dprintf(STDERR_FILENO, "rankscope: cannot run %s: %s\n", arguments[0], std::strerror(error));
  _exit(error == ENOENT ? 127 : 126);
}

pid_t StartDetached(const std::vector<std::string>& command, const std::string& log_path, const sigset_t& signals) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  setsid();
  YieldToTraining();
  sigprocmask(SIG_SETMASK, &signals, nullptr);
  auto log = base::OpenFile(log_path, O_WRONLY | O_CREAT | O_APPEND);
  int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(log.ok() ? log->get() : null, STDOUT_FILENO);
  dup2(log.ok() ? log->get() : null, STDERR_FILENO);
  ExecCommand(command);
}

}  // namespace rankscope::agent
