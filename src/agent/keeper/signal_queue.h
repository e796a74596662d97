#pragma once

#include <sys/signalfd.h>

#include <csignal>
#include <functional>

#include "base/file.h"

namespace rankscope::agent {

// The signals that this process would die of, or miss, read one by one instead: to be passed on. For single-threaded
// processes.
class SignalQueue {
 public:
  // From now on they queue. Children that are to get them as usual are given mask_before().
  void Begin();
  // Readable when there is a signal.
  int fd() const { return fd_.get(); }
  // Calls for each that has come.
  void Read(const std::function<void(const signalfd_siginfo&)>& take);
  const sigset_t& mask_before() const { return mask_before_; }

 private:
  base::UniqueFd fd_;
  sigset_t mask_before_{};
};

}  // namespace rankscope::agent
