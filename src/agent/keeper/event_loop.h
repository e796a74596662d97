#pragma once

#include <functional>
#include <map>

#include "base/file.h"

namespace rankscope::agent {

// Waits for descriptors to become readable and calls what was named for each. One thread.
class EventLoop {
 public:
  EventLoop();

  // In a forked child: forgets everything, and waits on a set of its own from now on; epoll's is shared with the
  // parent. May be called by what Turn calls.
  void Renew();
  void Watch(int fd, std::function<void()> ready);
  void Forget(int fd);
  // Waits at most timeout_ms, then calls for each readable descriptor. What is called may watch and forget.
  void Turn(int timeout_ms);

 private:
  base::UniqueFd epoll_;
  std::map<int, std::function<void()>> ready_;
};

}  // namespace rankscope::agent
