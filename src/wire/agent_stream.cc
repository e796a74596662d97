#include "wire/agent_stream.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "rankscope/v1/ingest.grpc.pb.h"
#include "wire/order_protocol.h"
#include "wire/protocol.h"

namespace rankscope::wire {
namespace {

constexpr auto kConnectTimeout = std::chrono::seconds(15);  // a loaded machine shakes hands slowly
constexpr int kMaxAnswerBytes = 1 << 20;

// Nothing that gRPC says is final, since a flipped bit or a proxy may have said it: only Refused and Fenced are.
base::Status FromGrpc(const grpc::Status& status) {
  return base::Status::Unavailable(status.ok() ? "the server ended the stream" : status.error_message());
}

class GrpcAgentStream : public AgentStream {
 public:
  GrpcAgentStream(const std::string& address, Events events) : events_(std::move(events)) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);  // a write into a half-open connection ends after 20 s
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // its back-off must not outlive this stream
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    channel_ = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    stub_ = v1::Ingest::NewStub(channel_);
  }

  ~GrpcAgentStream() override {
    Cancel();
    if (reader_.joinable()) reader_.join();
  }

  base::Status Greet(const std::string& address, const Hello& hello, Greeting* greeting) {
    if (!channel_->WaitForConnected(std::chrono::system_clock::now() + kConnectTimeout)) {
      return base::Status::Unavailable("cannot connect to " + address);
    }
    stream_ = stub_->Stream(&context_);
    int64_t sent = base::WallNow();
    v1::AgentMessage message;
    ToProto(hello, message.mutable_hello());
    message.mutable_hello()->set_wall_ns(sent);
    v1::Envelope envelope;
    v1::ServerMessage answer;
    if (!stream_->Write(Seal(message)) || !stream_->Read(&envelope)) return FromGrpc(stream_->Finish());
    if (!Unseal(envelope, &answer)) return base::Status::Unavailable("the server's answer was damaged on its way");
    if (answer.has_refused()) return base::Status::Invalid(answer.refused().reason());
    if (!answer.has_welcome()) return base::Status::Unavailable("the server did not answer hello with welcome");
    int64_t received = base::WallNow();
    greeting->round_trip_ns = received - sent;
    greeting->clock_offset_ns = answer.welcome().wall_ns() - (sent + (received - sent) / 2);
    greeting->committed_seq = answer.welcome().committed_seq();
    greeting->version = answer.welcome().version();
    Heard();
    reader_ = std::thread([this] { ReadLoop(); });
    return {};
  }

  bool Send(const Frame& frame) override {
    v1::AgentMessage message;
    ToProto(frame, message.mutable_frame());
    return Write(message);
  }

  bool SendLost(uint64_t from_seq, uint64_t to_seq, const std::string& reason) override {
    v1::AgentMessage message;
    message.mutable_lost()->set_from_seq(from_seq);
    message.mutable_lost()->set_to_seq(to_seq);
    message.mutable_lost()->set_reason(reason);
    return Write(message);
  }

  bool SendAnswer(const model::JobAnswer& answer) override {
    v1::AgentMessage message;
    ToProto(answer, message.mutable_answer());
    return Write(message);
  }

  bool Ping() override {
    v1::AgentMessage message;
    message.mutable_ping();
    return Write(message);
  }

  int64_t SilentFor() const override { return base::MonotonicNow() - last_heard_; }

  base::Status status() const override {
    std::lock_guard lock(mutex_);
    return status_;
  }

  void Cancel() override { context_.TryCancel(); }

 private:
  bool Write(const v1::AgentMessage& message) { return !ended_ && stream_->Write(Seal(message)); }
  void Heard() { last_heard_ = base::MonotonicNow(); }

  void ReadLoop() {
    v1::Envelope envelope;
    v1::ServerMessage message;
    base::Status refused;
    while (refused.ok() && stream_->Read(&envelope)) {
      Heard();
      refused = Unseal(envelope, &message) ? Take(message)
                                           : base::Status::Unavailable("the server's message was damaged on its way");
    }
    if (!refused.ok()) context_.TryCancel();
    base::Status ended = FromGrpc(stream_->Finish());
    std::lock_guard lock(mutex_);
    status_ = refused.ok() ? ended : refused;
    ended_ = true;
  }

  // Not ok when it ends the stream.
  base::Status Take(const v1::ServerMessage& message) {
    if (message.has_ack()) events_.acked(message.ack().durable_seq());
    if (message.has_nack()) events_.gap(message.nack().expected_seq());
    if (message.has_command()) events_.command(FromProto(message.command()));
    if (message.has_refused()) return base::Status::Invalid(message.refused().reason());
    if (!message.has_fenced()) return {};
    return base::Status::Invalid("fenced: a newer sender has this spool (epoch " +
                                 std::to_string(message.fenced().current_epoch()) + ")");
  }

  Events events_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Ingest::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::Envelope, v1::Envelope>> stream_;
  std::thread reader_;
  std::atomic<int64_t> last_heard_{0};
  std::atomic<bool> ended_{false};
  mutable std::mutex mutex_;
  base::Status status_;
};

}  // namespace

base::Result<std::unique_ptr<AgentStream>> AgentStream::Open(const std::string& address, const Hello& hello,
                                                             Events events, Greeting* greeting) {
  auto stream = std::make_unique<GrpcAgentStream>(address, std::move(events));
  RETURN_IF_ERROR(stream->Greet(address, hello, greeting));
  return std::unique_ptr<AgentStream>(std::move(stream));
}

}  // namespace rankscope::wire
