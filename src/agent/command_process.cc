#include "agent/command_process.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "agent/child_process.h"
#include "agent/pidfd.h"
#include "base/clock.h"

namespace rankscope::agent {

base::Status CommandProcess::Start(const std::vector<std::string>& command, int out, int err, const sigset_t& signals) {
  pid_ = fork();
  if (pid_ < 0) return base::Status::FromErrno("cannot fork", errno);
  if (pid_ == 0) {
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    sigprocmask(SIG_SETMASK, &signals, nullptr);
    signal(SIGPIPE, SIG_DFL);
    ExecCommand(command);
  }
  pidfd_ = OpenPidfd(pid_);
  return {};
}

base::Status CommandProcess::Adopt(pid_t pid, EventLoop* loop) {
  pid_ = pid;
  pidfd_ = OpenPidfd(pid);
  if (!pidfd_.valid()) return base::Status::FromErrno("cannot watch the process", errno);
  Watch(loop);
  return {};
}

void CommandProcess::Watch(EventLoop* loop) {
  loop->Watch(pidfd_.get(), [this, loop] {
    loop->Forget(pidfd_.get());
    End(ReadExitStatus(pidfd_.get(), pid_));
  });
}

void CommandProcess::Signal(int number) {
  if (!ended()) SignalProcess(pidfd_.get(), number);
}

bool CommandProcess::Reaped(pid_t pid, int wait_status) {
  if (pid != pid_) return false;
  End(ExitStatus{wait_status, "wait"});
  return true;
}

void CommandProcess::End(std::optional<ExitStatus> how) {
  how_it_ended_ = std::move(how);
  ended_at_ = base::MonotonicNow();
}

}  // namespace rankscope::agent
