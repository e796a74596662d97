#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/file.h"

namespace rankscope::api {

// Notices clients that leave while their answer is being made, which libmicrohttpd does not: it looks at no connection
// that is suspended. Nothing tells them from those that shut only their sending side down and read on, as socat does:
// so all have a second, in which most answers are made. Any thread.
class ClientWatch {
 public:
  ClientWatch();
  ~ClientWatch();

  // Calls `gone` once, on a thread of its own, when the client at the socket has left. Returns what Forget takes.
  uint64_t Watch(int socket, std::function<void()> gone);
  // REQUIRES: by the first call for the id, the socket is still open. A call of `gone` that has begun may still run.
  void Forget(uint64_t id);

 private:
  struct Client {
    int socket;
    std::function<void()> gone;
  };
  struct Leaving {
    int64_t gone_at;  // by the monotonic clock
    uint64_t id;
  };
  void Loop();
  // How long to wait for the next event, in ms; -1: for ever.
  int PatienceLeft() const;
  void EndThoseGone();
  std::function<void()> TakeGone(uint64_t id);

  const base::UniqueFd epoll_, stop_;
  std::deque<Leaving> leaving_;  // the thread's own
  std::mutex mutex_;             // guards what follows
  uint64_t last_id_ = 0;
  std::map<uint64_t, Client> clients_;
  std::thread thread_;
};

}  // namespace rankscope::api
