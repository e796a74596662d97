#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "rankscope/v1/ingest.grpc.pb.h"
#include "wire/agent_stream.h"
#include "wire/ingest_service.h"
#include "wire/protocol.h"

namespace rankscope::wire {
namespace {

// Holds what arrives in memory and acknowledges at once.
class MemoryReceiver : public FrameReceiver {
 public:
  base::Result<uint64_t> Greet(Hello* hello) override {
    if (hello->token == "wrong") return base::Status::Invalid("token is not known");
    return committed_;
  }
  void Submit(const Hello&, Frame frame, std::function<void(Outcome)> done) override {
    if (slow) return held_.push_back(std::move(done));
    committed_ = frame.last_seq();
    done({Outcome::kDurable, committed_, {}});
  }
  void SubmitLost(const Hello&, Lost lost, std::function<void(Outcome)> done) override {
    committed_ = lost.to_seq;
    done({Outcome::kDurable, committed_, {}});
  }
  void Answer(const Hello& hello, const model::JobAnswer& answer) override {
    std::lock_guard lock(mutex_);
    EXPECT_EQ(hello.job, "mine");
    answers_.push_back(answer);
    changed_.notify_all();
  }
  model::JobAnswer AwaitAnswer() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !answers_.empty(); });
    return answers_.back();
  }
  uint64_t committed_ = 0;
  std::atomic<bool> slow{false};

 private:
  std::vector<std::function<void(Outcome)>> held_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<model::JobAnswer> answers_;
};

Frame OneRecord(uint64_t seq) {
  model::Record record;
  record.seq = seq;
  return MakeFrame({record});
}

class StreamTest : public testing::Test {
 protected:
  void SetUp() override {
    auto server = IngestServer::Start("127.0.0.1:0", &receiver_, "1");
    ASSERT_TRUE(server.ok()) << server.status().message();
    server_ = *std::move(server);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  AgentStream::Events Events() {
    return {[this](uint64_t seq) {
              std::lock_guard lock(mutex_);
              acked_ = seq;
              changed_.notify_all();
            },
            [](uint64_t) {},
            [this](const Command& command) {
              std::lock_guard lock(mutex_);
              commanded_ = command.log_interval_steps;
              alert_ = command.alert;
              changed_.notify_all();
            }};
  }
  void AwaitAck(uint64_t seq) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return acked_ >= seq; });
  }

  MemoryReceiver receiver_;
  std::unique_ptr<IngestServer> server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  void AwaitCommand(uint32_t steps) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return commanded_ == steps; });
  }

  uint64_t acked_ = 0;
  uint32_t commanded_ = 0;
  std::string alert_;
};

TEST_F(StreamTest, AcknowledgesEveryFrameAndResumesWhereItWas) {
  AgentStream::Greeting greeting;
  {
    auto stream = AgentStream::Open(address(), Hello{}, Events(), &greeting);
    ASSERT_TRUE(stream.ok()) << stream.status().message();
    for (uint64_t seq = 1; seq <= 500; ++seq) ASSERT_TRUE((*stream)->Send(OneRecord(seq)));
    AwaitAck(500);
  }
  auto again = AgentStream::Open(address(), Hello{}, Events(), &greeting);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(greeting.committed_seq, 500u);
  EXPECT_LE(std::llabs(greeting.clock_offset_ns), greeting.round_trip_ns);
}

TEST_F(StreamTest, CommandReachesTheJobsStreamsAndLaterOnes) {
  Hello hello, other;
  hello.job = "mine";
  other.job = "other";
  AgentStream::Greeting greeting;
  auto elsewhere = AgentStream::Open(address(), other, Events(), &greeting);
  auto stream = AgentStream::Open(address(), hello, Events(), &greeting);
  ASSERT_TRUE(stream.ok() && elsewhere.ok());
  ASSERT_EQ(server_->SendCommand(hello.project, "mine", {7, ""}), 1) << "though it was welcomed";
  AwaitCommand(7);
  EXPECT_EQ(server_->SendCommand(hello.project, "nobody's", {8, ""}), 0);
  commanded_ = 0;
  auto later = AgentStream::Open(address(), hello, Events(), &greeting);
  ASSERT_TRUE(later.ok());
  AwaitCommand(7);
}

// Every field of both, with bytes that are not UTF-8 where people and tracebacks may have written them.
TEST_F(StreamTest, AnOrderArrivesAndItsAnswerComesBack) {
  Hello hello;
  hello.job = "mine";
  std::mutex mutex;
  std::condition_variable arrived;
  std::optional<model::JobOrder> order;
  auto events = Events();
  events.command = [&](const Command& command) {
    std::lock_guard lock(mutex);
    order = command.order;
    arrived.notify_all();
  };
  AgentStream::Greeting greeting;
  auto stream = AgentStream::Open(address(), hello, events, &greeting);
  ASSERT_TRUE(stream.ok());
  EXPECT_EQ(server_->open_streams(hello.project, "mine"), 1);
  model::JobOrder sent{"a1", "pause_job", model::JobOrder::Kind::kHold, -5, 60'000, 7, "DEBUG", "m\xe9"};
  ASSERT_EQ(server_->SendCommand(hello.project, "mine", {0, "", sent}), 1);
  {
    std::unique_lock lock(mutex);
    arrived.wait(lock, [&] { return order.has_value(); });
  }
  EXPECT_EQ(order->action, "a1");
  EXPECT_EQ(order->name, "pause_job");
  EXPECT_EQ(order->kind, model::JobOrder::Kind::kHold);
  EXPECT_EQ(order->step, -5);
  EXPECT_EQ(order->limit_ms, 60'000u);
  EXPECT_EQ(order->interval, 7u);
  EXPECT_EQ(order->level, "DEBUG");
  EXPECT_EQ(order->reason, "m\xe9");
  ASSERT_TRUE((*stream)->SendAnswer(
      {"a1", model::JobOrder::Kind::kHold, -5, "node7", 7, {{3, "held", -4, 600, "m\xe9"}, {4, "left", {}, 0, ""}}}));
  model::JobAnswer answer = receiver_.AwaitAnswer();
  EXPECT_EQ(answer.action, "a1");
  EXPECT_EQ(answer.kind, model::JobOrder::Kind::kHold);
  EXPECT_EQ(answer.order_step, -5);
  EXPECT_EQ(answer.host, "node7");
  EXPECT_EQ(answer.node_rank, 7);
  ASSERT_EQ(answer.ranks.size(), 2u);
  EXPECT_EQ(answer.ranks[0].rank, 3);
  EXPECT_EQ(answer.ranks[0].outcome, "held");
  EXPECT_EQ(answer.ranks[0].step, -4);
  EXPECT_EQ(answer.ranks[0].collective_timeout_s, 600u);
  EXPECT_EQ(answer.ranks[0].detail, "m\xe9");
  EXPECT_FALSE(answer.ranks[1].step.has_value());
}

// What a trainer printed need not be UTF-8, and a line is cut wherever it is too long.
TEST_F(StreamTest, AlertOfAnyBytesArrivesAndTheStreamGoesOn) {
  Hello hello;
  hello.job = "mine";
  AgentStream::Greeting greeting;
  auto stream = AgentStream::Open(address(), hello, Events(), &greeting);
  ASSERT_TRUE(stream.ok());
  ASSERT_EQ(server_->SendCommand(hello.project, "mine", {7, "out of m\xe9moire \xe6\x98"}), 1);
  ASSERT_TRUE((*stream)->Send(OneRecord(1)));
  AwaitAck(1);
  std::lock_guard lock(mutex_);
  EXPECT_EQ(alert_, "out of m\xe9moire \xe6\x98");
}

TEST_F(StreamTest, ServerThatWaitsForItsDiskDoesNotSeemDead) {
  receiver_.slow = true;
  AgentStream::Greeting greeting;
  auto stream = AgentStream::Open(address(), Hello{}, Events(), &greeting);
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE((*stream)->Send(OneRecord(1)));
  int64_t silence = 0, longest = 0;
  do {  // until it spoke after a silence of a second: nothing else could have made it
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    longest = std::max(longest, silence);
    silence = (*stream)->SilentFor();
  } while (longest < base::kNsPerSecond || silence > longest);
  EXPECT_EQ(receiver_.committed_, 0u);
}

TEST_F(StreamTest, RefusalSaysWhyAndIsFinal) {
  Hello hello;
  hello.token = "wrong";
  AgentStream::Greeting greeting;
  auto stream = AgentStream::Open(address(), hello, Events(), &greeting);
  EXPECT_EQ(stream.status().code(), base::Code::kInvalid);
  EXPECT_EQ(stream.status().message(), "token is not known");
}

TEST_F(StreamTest, DamagedFrameClosesTheStream) {
  AgentStream::Greeting greeting;
  auto stream = AgentStream::Open(address(), Hello{}, Events(), &greeting);
  ASSERT_TRUE(stream.ok());
  Frame frame = OneRecord(1);
  frame.payload[0] = static_cast<char>(frame.payload[0] ^ 4);
  (*stream)->Send(frame);
  while ((*stream)->Ping()) {
  }
  EXPECT_EQ(receiver_.committed_, 0u);
}

TEST_F(StreamTest, LostRecordsAreAcknowledged) {
  AgentStream::Greeting greeting;
  auto stream = AgentStream::Open(address(), Hello{}, Events(), &greeting);
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE((*stream)->SendLost(1, 7, "damaged"));
  AwaitAck(7);
  ASSERT_TRUE((*stream)->Send(OneRecord(8)));
  AwaitAck(8);
}

// What comes back for a message that no AgentStream would send.
std::string Answer(const std::string& address, const v1::Envelope& envelope) {
  auto stub = v1::Ingest::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  auto stream = stub->Stream(&context);
  stream->Write(envelope);
  v1::Envelope answer;
  v1::ServerMessage message;
  if (stream->Read(&answer) && Unseal(answer, &message)) return "refused: " + message.refused().reason();
  return stream->Finish().error_message();
}

TEST_F(StreamTest, AgentOfAnotherVersionIsToldSo) {
  v1::AgentMessage hello;
  hello.mutable_hello()->set_protocol(kProtocolVersion + 1);
  hello.mutable_hello()->set_version("9.9");
  EXPECT_EQ(Answer(address(), Seal(hello)),
            "refused: the agent (version 9.9) speaks protocol 2, the server (version 1) speaks 1: install the same "
            "version of rankscope on both");
}

TEST_F(StreamTest, FlippedBitAnywhereInAMessageIsNoticedAndNotFinal) {
  v1::AgentMessage hello;
  hello.mutable_hello()->set_protocol(kProtocolVersion);
  hello.mutable_hello()->set_producer(std::string(16, 'p'));
  std::string bytes = Seal(hello).SerializeAsString();
  for (size_t bit = 0; bit < 8 * bytes.size(); bit += 3) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    v1::Envelope envelope;
    if (!envelope.ParseFromString(flipped)) continue;  // gRPC notices
    EXPECT_EQ(Answer(address(), envelope), "a message was damaged on its way: its checksum differs") << bit;
  }
}

TEST_F(StreamTest, SecondServerOnThePortIsRefused) {
  EXPECT_EQ(IngestServer::Start(address(), &receiver_, "1").status().code(), base::Code::kUnavailable);
}

}  // namespace
}  // namespace rankscope::wire
