#pragma once

#include <sys/types.h>

#include <string>

#include "base/file.h"

namespace rankscope::agent {

// The keeper's survivor: a forked copy of it that sleeps until the keeper dies, and then is the keeper. It needs no
// word from the keeper, only to be made anew whenever what a successor must know has changed (a pipe, a process).
// For single-threaded processes.
class Guard {
 public:
  enum class Side { kKeeper, kSuccessor };

  explicit Guard(std::string run_directory) : run_directory_(std::move(run_directory)) {}

  // Forks a guard in place of the one before. Returns kKeeper at once; and once more, in the guard, kSuccessor after
  // the keeper's death. Of two guards (the keeper died while it renewed) one becomes the successor, the other ends.
  Side Renew();
  // Whether the pid, which waitpid has given, was the guard's: it needs renewal.
  bool Reaped(pid_t pid);
  // Ends it: the keeper ends in good order.
  void Dismiss();
  bool alive() const { return pid_ > 0; }

 private:
  void Succeed(pid_t keeper);

  const std::string run_directory_;
  pid_t pid_ = -1;
  base::UniqueFd claim_;
};

}  // namespace rankscope::agent
