#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "wire/frame.h"
#include "wire/ingest_service.h"

namespace rankscope::wire {

// The agent's end of one stream. Open blocks until Welcome or failure. Send is for one thread; the callbacks come
// from the stream's own reader thread. Once anything fails, Send returns false and status() says why; open a new one.
class AgentStream {
 public:
  struct Events {
    std::function<void(uint64_t durable_seq)> acked;
    std::function<void(uint64_t expected_seq)> gap;  // rewind
    std::function<void(const Command&)> command;
  };
  struct Greeting {
    uint64_t committed_seq = 0;
    int64_t clock_offset_ns = 0;  // server's clock less ours as measured, give or take half of round_trip_ns
    int64_t round_trip_ns = 0;
    std::string version;
  };

  static base::Result<std::unique_ptr<AgentStream>> Open(const std::string& address, const Hello& hello, Events events,
                                                         Greeting* greeting);
  virtual ~AgentStream() = default;
  virtual bool Send(const Frame& frame) = 0;
  // These records never come. False as Send.
  virtual bool SendLost(uint64_t from_seq, uint64_t to_seq, const std::string& reason) = 0;
  // False as Send.
  virtual bool SendAnswer(const model::JobAnswer& answer) = 0;
  // Keeps the stream alive and asks for an acknowledgement. False as Send.
  virtual bool Ping() = 0;
  // Ns since the server last said anything.
  virtual int64_t SilentFor() const = 0;
  // kInvalid: fenced, refused or of another version: do not come back. Else try again.
  virtual base::Status status() const = 0;
  // Unblocks Send; any thread.
  virtual void Cancel() = 0;
};

}  // namespace rankscope::wire
