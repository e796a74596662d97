#include "agent/keeper/command_process.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "agent/child_process.h"
#include "agent/pidfd.h"
#include "base/clock.h"

namespace rankscope::agent {
namespace {

// Whether a byte comes through, rather than the end: all that could have sent one are dead.
bool AwaitGo(int gate) {
  char go = 0;
  ssize_t got = 0;
  do {
    got = read(gate, &go, 1);
  } while (got < 0 && errno == EINTR);
  return got == 1;
}

}  // namespace

base::Status CommandProcess::Start(const std::vector<std::string>& command, int out, int err, const sigset_t& signals) {
  int gate[2];
  if (pipe2(gate, O_CLOEXEC) != 0) return base::Status::FromErrno("cannot make a pipe", errno);
  base::UniqueFd opens(gate[0]);
  gate_ = base::UniqueFd(gate[1]);
  pid_ = fork();
  if (pid_ < 0) return base::Status::FromErrno("cannot fork", errno);
  if (pid_ == 0) {
    gate_.reset();
    if (!AwaitGo(opens.get())) _exit(1);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    sigprocmask(SIG_SETMASK, &signals, nullptr);
    signal(SIGPIPE, SIG_DFL);
    ExecCommand(command);
  }
  pidfd_ = OpenPidfd(pid_);
  return {};
}

void CommandProcess::LetGo() {
  (void)!write(gate_.get(), "", 1);
  gate_.reset();
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
