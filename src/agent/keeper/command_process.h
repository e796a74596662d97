#pragma once

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/exit_status.h"
#include "agent/keeper/event_loop.h"
#include "base/file.h"
#include "base/status.h"

namespace rankscope::agent {

// The process whose end is the run's end: the command that the keeper starts, or a process that runs already. One
// thread.
class CommandProcess {
 public:
  // Makes the command's process, with these as its fd 1 and 2. It begins when LetGo is called here or in a forked copy
  // of this process, and never where all of these have died: nobody would read what it prints.
  base::Status Start(const std::vector<std::string>& command, int out, int err, const sigset_t& signals);
  void LetGo();
  // Takes one that is not our child: its end is noticed on the loop.
  base::Status Adopt(pid_t pid, EventLoop* loop);
  // Notices the end on the loop: for the keeper's successor, whose child it is not either.
  void Watch(EventLoop* loop);

  // Passes a signal on; nobody gets it after the end.
  void Signal(int number);
  // Whether the pid, which waitpid has given with this status, was the command's.
  bool Reaped(pid_t pid, int wait_status);

  pid_t pid() const { return pid_; }
  bool ended() const { return ended_at_ > 0; }
  int64_t ended_at() const { return ended_at_; }  // monotonic
  // Nullopt: not ended, or nobody knows how.
  const std::optional<ExitStatus>& how_it_ended() const { return how_it_ended_; }

 private:
  void End(std::optional<ExitStatus> how);

  pid_t pid_ = -1;
  base::UniqueFd pidfd_, gate_;
  std::optional<ExitStatus> how_it_ended_;
  int64_t ended_at_ = 0;
};

}  // namespace rankscope::agent
