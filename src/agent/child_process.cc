#include "agent/child_process.h"

#include <fcntl.h>
#include <poll.h>
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
  arguments.reserve(command.size() + 1);
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

void DrainForever(const std::vector<int>& pipes) {
  setsid();
  int null = open("/dev/null", O_RDWR);
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
  std::vector<pollfd> live;
  live.reserve(pipes.size());
  for (int fd : pipes) live.push_back({fd, POLLIN, 0});
  char bytes[65536];
  while (!live.empty()) {
    poll(live.data(), live.size(), -1);
    std::erase_if(live,
                  [&](const pollfd& pipe) { return pipe.revents != 0 && read(pipe.fd, bytes, sizeof bytes) == 0; });
  }
  _exit(0);
}

}  // namespace rankscope::agent
