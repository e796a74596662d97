#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "notify/channel.h"
#include "notify/send_queue.h"

namespace rankscope::notify {

// How a channel does, for people.
struct ChannelStatus {
  std::string channel, kind;
  size_t waiting = 0;                  // messages that have not arrived
  base::TimeNs delivered = 0;          // the last time; 0: never since the start
  int64_t latency_ns = 0;              // from the making of that message to its arrival
  base::TimeNs failing_since = 0;      // 0: it works, as far as is known
  base::TimeNs refused = 0;            // the last message that was given up; 0: none since one arrived
  std::string error;                   // the last one, without secrets
  uint64_t arrived = 0, given_up = 0;  // messages since the start
};

// Sends the messages of one channel, in a thread of its own: a channel that hangs delays no other.
class Sender {
 public:
  // Called in the sender's thread, with none of its locks held, when a delivery is at its end. `late`: it had to be
  // tried more than once.
  using Ended = std::function<void(const Delivery& delivery, DeliveryState state, const std::string& why, bool late)>;

  // The channel must outlive it. `now` is called in any thread.
  Sender(const Channel* channel, std::function<base::TimeNs()> now, Ended ended);
  // Stops: a message that is on its way is given up, and goes again at the next start.
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  void Add(Delivery delivery);
  // Before a restart it had not worked since then.
  void ResumeFailing(base::TimeNs since, const std::string& why);
  ChannelStatus status() const;
  // Whether it is better to wait than to give it more: too much has not arrived yet.
  bool Blocked() const;

 private:
  void Work();
  void Try(const Delivery& delivery);
  DeliveryState Note(const Delivery& delivery, const Answer& answer, const Verdict& verdict);

  const Channel* channel_;
  std::function<base::TimeNs()> now_;
  Ended ended_;
  std::atomic<bool> stop_ = false;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  SendQueue queue_;
  ChannelStatus status_;
  std::thread thread_;  // the last, as it uses all others
};

}  // namespace rankscope::notify
