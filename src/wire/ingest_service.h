#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "model/job_order.h"
#include "wire/frame.h"

namespace rankscope::wire {

struct Hello {
  std::string producer;  // 16 bytes
  uint32_t epoch = 0;
  std::string project, job, token, host, version;
  uint64_t first_seq = 1, next_seq = 1, acked_seq = 0;
};

// What a running job is to do otherwise from now on.
struct Command {
  uint32_t log_interval_steps = 0;  // 0: as before
  std::string alert;                // a line for whoever looks at the run's terminal; empty: none
  std::optional<model::JobOrder> order = std::nullopt;
};

// Records that the agent holds no longer and will never send.
struct Lost {
  uint64_t from_seq = 0, to_seq = 0;
  std::string reason;
};

// What the server's end of the streams delivers to. Any thread.
class FrameReceiver {
 public:
  virtual ~FrameReceiver() = default;

  // The producer's durable sequence. May put the project that the token stands for into the hello, which each Submit
  // then brings along. kInvalid refuses the agent for good; kUnavailable asks it to come later.
  virtual base::Result<uint64_t> Greet(Hello* hello) = 0;

  struct Outcome {
    enum Kind { kDurable, kGap, kFenced, kFailed } kind;
    uint64_t seq = 0;  // kDurable: everything up to it is on disk; kGap: expected; kFenced: current epoch
    base::Status status;
  };
  // Takes a checked frame; `done` is called once, from any thread, in the order of the calls for one producer.
  virtual void Submit(const Hello& hello, Frame frame, std::function<void(Outcome)> done) = 0;
  // The producer's sequence goes on behind the lost ones. `done` as above.
  virtual void SubmitLost(const Hello& hello, Lost lost, std::function<void(Outcome)> done) = 0;
  // What the agent says to an order of this server or of one before it. Must not block.
  virtual void Answer(const Hello& hello, const model::JobAnswer& answer) { (void)hello, (void)answer; }
};

// The gRPC server. Bounded memory: a stream with more than kMaxUnacknowledged bytes submitted is not read on, and none
// is while all together have more than kMaxUnacknowledgedTotal. Bytes are those that a frame takes here (FrameMemory).
// Beside these each stream holds at most a frame that arrived and what gRPC read ahead, kReadAhead and a frame.
class IngestServer {
 public:
  static constexpr size_t kMaxUnacknowledged = 8 << 20;
  static constexpr size_t kMaxUnacknowledgedTotal = 256 << 20;
  static constexpr size_t kReadAhead = 256 << 10;

  // ADDRESS:PORT; port 0 picks a free one. kUnavailable when the port is in use. `receiver` outlives the server.
  static base::Result<std::unique_ptr<IngestServer>> Start(const std::string& address, FrameReceiver* receiver,
                                                           std::string version);
  virtual ~IngestServer() = default;
  virtual int port() const = 0;
  virtual int open_streams() const = 0;
  virtual int open_streams(const std::string& project, const std::string& job) = 0;
  // Sends the command to every stream of the job; its log_interval_steps also when one connects later while this server
  // runs. Returns how many there are now. Any thread.
  virtual int SendCommand(const std::string& project, const std::string& job, const Command& command) = 0;
  // Ends the streams; returns when no callback runs.
  virtual void Stop() = 0;
};

}  // namespace rankscope::wire
