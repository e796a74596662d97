#include "agent/keeper/guard.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "agent/pidfd.h"

namespace rankscope::agent {
namespace {

void AwaitEndOf(pid_t parent) {
  base::UniqueFd pidfd = OpenPidfd(parent);
  pollfd ended{pidfd.get(), POLLIN, 0};
  while (getppid() == parent) {  // asked after the pidfd was opened: it is not another process's
    if (poll(&ended, 1, -1) > 0) return;
  }
}

}  // namespace

Guard::Side Guard::Renew() {
  pid_t keeper = getpid();
  pid_t pid = fork();
  if (pid < 0) return Side::kKeeper;  // the one before knows most of what there is to know
  if (pid > 0) {
    Dismiss();
    pid_ = pid;
    return Side::kKeeper;
  }
  setsid();  // the terminal's signals are not for it
  AwaitEndOf(keeper);
  Succeed(keeper);
  return Side::kSuccessor;
}

void Guard::Succeed(pid_t keeper) {
  pid_ = -1;
  auto claim = base::LockFile(run_directory_ + "/successor-of-" + std::to_string(keeper));
  if (!claim.ok()) _exit(0);
  claim_ = *std::move(claim);
}

bool Guard::Reaped(pid_t pid) {
  if (pid != pid_) return false;
  pid_ = -1;
  return true;
}

void Guard::Dismiss() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(std::exchange(pid_, -1), nullptr, 0);
}

}  // namespace rankscope::agent
