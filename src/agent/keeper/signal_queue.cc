#include "agent/keeper/signal_queue.h"

#include <unistd.h>

namespace rankscope::agent {

void SignalQueue::Begin() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT, SIGURG, SIGWINCH}) {
    sigaddset(&signals, number);
  }
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, &mask_before_);
  fd_ = base::UniqueFd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

void SignalQueue::Read(const std::function<void(const signalfd_siginfo&)>& take) {
  signalfd_siginfo info{};
  while (read(fd_.get(), &info, sizeof info) == sizeof info) take(info);
}

}  // namespace rankscope::agent
