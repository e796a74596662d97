#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "agent/run_directory.h"
#include "agent/ship/clock_offset.h"
#include "agent/ship/spool.h"
#include "wire/agent_stream.h"

namespace rankscope::agent {

// Ships the spool: connects, resumes after what the server holds, sends, reconnects with jittered back-off. One thread
// of its own. The spool outlives it and may be appended to meanwhile.
class Sender {
 public:
  // `alert` gets what the server wants said to people, on a thread of the stream.
  Sender(RunConfig config, Spool* spool, uint64_t last_spooled_seq, std::function<void(const std::string&)> alert);
  ~Sender();

  // Something was spooled up to this sequence.
  void Wake(uint64_t last_spooled_seq);
  uint64_t acked_seq() const { return acked_seq_; }
  // Whether it has had the server's answer once, and what the server held then.
  bool reached() const { return reached_; }
  uint64_t held_before() const { return held_before_; }
  // Records that it has told the server will never come: damaged in the spool.
  uint64_t lost() const { return lost_; }
  // What the server has asked of the ranks since the last call.
  std::vector<model::JobOrder> TakeOrders();
  // Sent as soon as there is a stream; of many that wait for one, the oldest are dropped.
  void Answer(model::JobAnswer answer);
  // What the server last commanded for log_interval_steps; 0: nothing yet.
  uint32_t log_interval_steps() const { return log_interval_steps_; }
  // Set once the server refused for good (fenced, version): the sender has stopped.
  base::Status refusal();
  bool connected() const { return connected_; }
  // Why there is no stream to the server; empty: there is one, or none was tried for yet.
  std::string trouble();

 private:
  struct InFlight {
    uint64_t last_seq, bytes;
  };

  void Loop();
  base::Status Session();
  base::Status Ship(wire::AgentStream* stream, uint64_t from_seq);
  bool TellLost(wire::AgentStream* stream, uint64_t first_seq, uint64_t last_seq);
  void ForgetAcknowledged(uint64_t committed_seq);
  void OnAck(uint64_t durable_seq);
  bool SendAnswers(wire::AgentStream* stream);
  bool AwaitRoom(wire::AgentStream* stream, uint64_t bytes);

  const RunConfig config_;
  Spool* spool_;
  const std::function<void(const std::string&)> alert_;
  ClockOffset clock_offset_;  // the thread's own, as the next one
  uint64_t lost_up_to_ = 0;
  std::atomic<uint64_t> acked_seq_{0}, held_before_{0}, lost_{0};
  std::atomic<bool> connected_{false}, reached_{false};
  std::atomic<uint32_t> log_interval_steps_{0};

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<InFlight> in_flight_;
  uint64_t in_flight_bytes_ = 0;
  uint64_t spooled_seq_;
  uint64_t rewind_ = 0;
  base::Status refusal_;
  std::string trouble_;
  bool stopping_ = false;
  std::vector<model::JobOrder> orders_;
  std::deque<model::JobAnswer> answers_;
  std::thread thread_;
};

}  // namespace rankscope::agent
