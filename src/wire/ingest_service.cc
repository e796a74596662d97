#include "wire/ingest_service.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "rankscope/v1/ingest.grpc.pb.h"
#include "wire/ingest_stream.h"

namespace rankscope::wire {
namespace {

constexpr auto kBeatEvery = std::chrono::seconds(3);
constexpr int kMaxStreamsPerConnection = 8;  // an agent has one

class Service : public v1::Ingest::CallbackService {
 public:
  Service(FrameReceiver* receiver, std::string version) : share_(receiver, std::move(version)) {}

  grpc::ServerBidiReactor<v1::Envelope, v1::Envelope>* Stream(grpc::CallbackServerContext*) override {
    return ServeStream(&share_);
  }
  int open() const { return share_.open; }
  JobStreams* jobs() { return &share_.jobs; }

 private:
  StreamsShare share_;
};

class GrpcIngestServer : public IngestServer {
 public:
  GrpcIngestServer(FrameReceiver* receiver, std::string version) : service_(receiver, std::move(version)) {}
  ~GrpcIngestServer() override { Stop(); }

  base::Status Listen(const std::string& address) {
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a second server must not bind silently
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);  // an agent that pings too often harms nobody
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10'000);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
    // A window that grows by itself would make a paused stream's memory unbounded.
    builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kReadAhead);
    builder.SetMaxReceiveMessageSize(2 * kMaxFrameBytes);
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    if (!server_ || port_ == 0) {
      return base::Status::Unavailable(
          "cannot listen for gRPC on " + address +
          ": the port is in use or the address is not this machine's; choose another with --grpc");
    }
    heart_ = std::thread([this] { Beat(); });
    return {};
  }

  int port() const override { return port_; }
  int open_streams() const override { return service_.open(); }

  int open_streams(const std::string& project, const std::string& job) override {
    return service_.jobs()->Count(project + "/" + job);
  }

  int SendCommand(const std::string& project, const std::string& job, const Command& command) override {
    return service_.jobs()->Send(project + "/" + job, command);
  }

  void Stop() override {
    if (!server_) return;
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_one();
    if (heart_.joinable()) heart_.join();
    server_->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
    server_->Wait();
    server_.reset();
  }

 private:
  void Beat() {
    std::unique_lock lock(mutex_);
    while (!stop_.wait_for(lock, kBeatEvery, [this] { return stopping_; })) service_.jobs()->SayAlive();
  }

  Service service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
  std::thread heart_;
  std::mutex mutex_;  // guards stopping_
  std::condition_variable stop_;
  bool stopping_ = false;
};

}  // namespace

base::Result<std::unique_ptr<IngestServer>> IngestServer::Start(const std::string& address, FrameReceiver* receiver,
                                                                std::string version) {
  auto server = std::make_unique<GrpcIngestServer>(receiver, std::move(version));
  RETURN_IF_ERROR(server->Listen(address));
  return std::unique_ptr<IngestServer>(std::move(server));
}

}  // namespace rankscope::wire
