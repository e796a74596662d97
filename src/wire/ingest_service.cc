#include "wire/ingest_service.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "rankscope/v1/ingest.grpc.pb.h"
#include "wire/protocol.h"
#include "wire/read_budget.h"

namespace rankscope::wire {
namespace {

constexpr auto kBeatEvery = std::chrono::seconds(3);
constexpr int kMaxStreamsPerConnection = 8;  // an agent has one

using Reactor = grpc::ServerBidiReactor<v1::Envelope, v1::Envelope>;

grpc::Status ToGrpc(const base::Status& status) {
  auto code = status.code() == base::Code::kCorrupt ? grpc::StatusCode::DATA_LOSS : grpc::StatusCode::UNAVAILABLE;
  return {code, status.message()};
}

class StreamReactor;

// The open streams by job, and what each job was last told.
class JobStreams {
 public:
  void Add(const std::string& job, const std::shared_ptr<StreamReactor>& stream);
  void Remove(const std::string& job, StreamReactor* stream);
  int Send(const std::string& job, const Command& command);
  void SayAlive();

 private:
  struct Job {
    std::map<StreamReactor*, std::weak_ptr<StreamReactor>> streams;
    Command last;
  };
  std::mutex mutex_;
  std::map<std::string, Job> jobs_;
};

// One agent's stream. Owned by itself together with the completions under way: gRPC drops its share in OnDone, and
// `done` callbacks that come later find `over_` set.
class StreamReactor : public Reactor, public std::enable_shared_from_this<StreamReactor> {
 public:
  StreamReactor(FrameReceiver* receiver, std::string version, JobStreams* jobs, ReadBudget* budget,
                std::atomic<int>* open)
      : receiver_(receiver), version_(std::move(version)), jobs_(jobs), budget_(budget), open_(open) {
    ++*open_;
  }

  void Begin() {
    self_ = shared_from_this();
    StartRead(&envelope_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Close(grpc::Status::OK);
    if (!Unseal(envelope_, &incoming_)) {
      return Close({grpc::StatusCode::DATA_LOSS, "a message was damaged on its way: its checksum differs"});
    }
    v1::Envelope().Swap(&envelope_);  // a paused stream must not hold its last message twice
    switch (incoming_.kind_case()) {
      case v1::AgentMessage::kHello:
        return OnHello();
      case v1::AgentMessage::kFrame:
        return OnFrame();
      case v1::AgentMessage::kLost:
        return OnLost();
      case v1::AgentMessage::kPing:
        return OnPing();
      case v1::AgentMessage::KIND_NOT_SET:
        break;
    }
    Refuse("message of unknown kind");
  }

  void OnWriteDone(bool ok) override {
    std::unique_lock lock(mutex_);
    outgoing_.pop_front();
    if (!ok) outgoing_.clear();
    WriteNext(&lock);
  }

  void Tell(const Command& command) {
    v1::ServerMessage message;
    message.mutable_command()->set_log_interval_steps(command.log_interval_steps);
    Send(std::move(message));
  }

  // A stream whose records wait for the disk is not read, so its pings are not answered: it must not seem dead.
  void SayAlive() {
    {
      std::lock_guard lock(mutex_);
      if (unacknowledged_ == 0) return;
    }
    SendAck(durable_seq_);
  }

  void OnCancel() override { Close(grpc::Status::CANCELLED); }

  void OnDone() override {
    {
      std::lock_guard lock(mutex_);
      over_ = true;
    }
    if (greeted_) jobs_->Remove(JobKey(), this);
    --*open_;
    self_.reset();
  }

 private:
  void OnHello() {
    const v1::Hello& hello = incoming_.hello();
    if (greeted_) return Refuse("second hello");
    if (hello.protocol() != kProtocolVersion) {
      return Refuse("the agent (version " + hello.version() + ") speaks protocol " + std::to_string(hello.protocol()) +
                    ", the server (version " + version_ + ") speaks " + std::to_string(kProtocolVersion) +
                    ": install the same version of rankscope on both");
    }
    hello_ = FromProto(hello);
    auto committed = receiver_->Greet(&hello_);
    if (committed.status().code() == base::Code::kInvalid) return Refuse(committed.status().message());
    if (!committed.ok()) return Close(ToGrpc(committed.status()));
    greeted_ = true;
    v1::ServerMessage answer;
    answer.mutable_welcome()->set_version(version_);
    answer.mutable_welcome()->set_committed_seq(*committed);
    answer.mutable_welcome()->set_wall_ns(base::WallNow());
    answer.mutable_welcome()->set_max_frame_bytes(kMaxFrameBytes);
    durable_seq_ = *committed;
    Send(std::move(answer));
    jobs_->Add(JobKey(), shared_from_this());
    ReadOn();
  }

  std::string JobKey() const { return hello_.project + "/" + hello_.job; }

  void OnPing() {
    SendAck(durable_seq_);
    ReadOn();
  }

  void OnFrame() {
    if (!greeted_) return Refuse("frame before hello");
    Frame frame = FromProto(incoming_.mutable_frame());
    if (auto status = CheckFrame(frame); !status.ok()) return Close(ToGrpc(status));
    size_t bytes = FrameMemory(frame);
    Hold(bytes);
    receiver_->Submit(hello_, std::move(frame), Done(bytes));
    ReadOn();
  }

  void OnLost() {
    if (!greeted_) return Refuse("loss before hello");
    const v1::Lost& lost = incoming_.lost();
    if (lost.from_seq() == 0 || lost.to_seq() < lost.from_seq()) return Refuse("loss of no records");
    Hold(lost.ByteSizeLong());
    receiver_->SubmitLost(hello_, {lost.from_seq(), lost.to_seq(), lost.reason()}, Done(lost.ByteSizeLong()));
    ReadOn();
  }

  void Hold(size_t bytes) {
    budget_->Take(bytes);
    std::lock_guard lock(mutex_);
    unacknowledged_ += bytes;
  }

  // Reads the next message when this stream and all together hold little enough; else later.
  void ReadOn() {
    {
      std::lock_guard lock(mutex_);
      reading_paused_ = unacknowledged_ > IngestServer::kMaxUnacknowledged;
      if (reading_paused_) return;
    }
    bool now = budget_->MayRead([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->ReadOn();
    });
    std::lock_guard lock(mutex_);
    if (now && !closing_ && !over_) StartRead(&envelope_);
  }

  std::function<void(FrameReceiver::Outcome)> Done(size_t bytes) {
    return [self = shared_from_this(), bytes](const FrameReceiver::Outcome& outcome) {
      self->OnOutcome(bytes, outcome);
      self->budget_->Return(bytes);
    };
  }

  void OnOutcome(size_t bytes, const FrameReceiver::Outcome& outcome) {
    bool resume;
    {
      std::lock_guard lock(mutex_);
      unacknowledged_ -= bytes;
      if (over_ || closing_) return;
      resume = reading_paused_ && unacknowledged_ <= IngestServer::kMaxUnacknowledged / 2;
      if (resume) reading_paused_ = false;
    }
    Report(outcome);
    if (resume) ReadOn();
  }

  void Report(const FrameReceiver::Outcome& outcome) {
    v1::ServerMessage answer;
    switch (outcome.kind) {
      case FrameReceiver::Outcome::kDurable:
        durable_seq_ = outcome.seq;
        return SendAck(outcome.seq);
      case FrameReceiver::Outcome::kGap:
        answer.mutable_nack()->set_expected_seq(outcome.seq);
        return Send(std::move(answer));
      case FrameReceiver::Outcome::kFenced:
        answer.mutable_fenced()->set_current_epoch(static_cast<uint32_t>(outcome.seq));
        return Send(std::move(answer));
      case FrameReceiver::Outcome::kFailed:
        return Close(ToGrpc(outcome.status));
    }
  }

  void SendAck(uint64_t seq) {
    v1::ServerMessage answer;
    answer.mutable_ack()->set_durable_seq(seq);
    Send(std::move(answer));
  }

  void Send(v1::ServerMessage message) {
    std::unique_lock lock(mutex_);
    if (closing_ || over_) return;
    bool newest_is_waiting_ack = outgoing_.size() > 1 && outgoing_.back().ack && message.has_ack();
    if (newest_is_waiting_ack) outgoing_.pop_back();  // a later acknowledgement says all of an earlier one
    outgoing_.push_back({message.has_ack(), Seal(message)});
    if (outgoing_.size() == 1) WriteNext(&lock);
  }

  // One write is under way at a time: the front of the queue.
  void WriteNext(std::unique_lock<std::mutex>* lock) {
    if (!outgoing_.empty()) {
      StartWrite(&outgoing_.front().envelope);
    } else if (closing_ && !finished_) {
      finished_ = true;
      lock->unlock();
      Finish(final_status_);
    }
  }

  // For good: the agent does not come back.
  void Refuse(const std::string& reason) {
    v1::ServerMessage answer;
    answer.mutable_refused()->set_reason(reason);
    Send(std::move(answer));
    Close(grpc::Status::OK);
  }

  void Close(grpc::Status status) {
    std::unique_lock lock(mutex_);
    if (closing_) return;
    closing_ = true;
    final_status_ = std::move(status);
    if (outgoing_.empty()) WriteNext(&lock);
  }

  struct Outgoing {
    bool ack;
    v1::Envelope envelope;
  };

  FrameReceiver* receiver_;
  const std::string version_;
  JobStreams* jobs_;
  ReadBudget* budget_;
  std::atomic<int>* open_;
  std::shared_ptr<StreamReactor> self_;
  v1::Envelope envelope_;
  v1::AgentMessage incoming_;
  Hello hello_;
  bool greeted_ = false;
  std::atomic<uint64_t> durable_seq_{0};

  std::mutex mutex_;
  std::deque<Outgoing> outgoing_;
  size_t unacknowledged_ = 0;
  bool reading_paused_ = false, closing_ = false, finished_ = false, over_ = false;
  grpc::Status final_status_;
};

void JobStreams::Add(const std::string& job, const std::shared_ptr<StreamReactor>& stream) {
  std::lock_guard lock(mutex_);
  Job& entry = jobs_[job];
  entry.streams[stream.get()] = stream;
  if (entry.last.log_interval_steps > 0) stream->Tell(entry.last);
}

void JobStreams::Remove(const std::string& job, StreamReactor* stream) {
  std::lock_guard lock(mutex_);
  auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  found->second.streams.erase(stream);
  if (found->second.streams.empty() && found->second.last.log_interval_steps == 0) jobs_.erase(found);
}

int JobStreams::Send(const std::string& job, const Command& command) {
  std::lock_guard lock(mutex_);
  auto found = jobs_.find(job);
  if (found == jobs_.end()) return 0;
  found->second.last = command;
  int sent = 0;
  for (auto& [raw, weak] : found->second.streams) {
    if (auto stream = weak.lock()) {
      stream->Tell(command);
      ++sent;
    }
  }
  return sent;
}

void JobStreams::SayAlive() {
  std::lock_guard lock(mutex_);
  for (auto& [job, entry] : jobs_) {
    for (auto& [raw, weak] : entry.streams) {
      if (auto stream = weak.lock()) stream->SayAlive();
    }
  }
}

class Service : public v1::Ingest::CallbackService {
 public:
  Service(FrameReceiver* receiver, std::string version) : receiver_(receiver), version_(std::move(version)) {}

  Reactor* Stream(grpc::CallbackServerContext*) override {
    auto reactor = std::make_shared<StreamReactor>(receiver_, version_, &jobs_, &budget_, &open_);
    reactor->Begin();
    return reactor.get();
  }

  int open() const { return open_; }
  JobStreams* jobs() { return &jobs_; }

 private:
  FrameReceiver* receiver_;
  const std::string version_;
  std::atomic<int> open_{0};
  JobStreams jobs_;
  ReadBudget budget_{IngestServer::kMaxUnacknowledgedTotal};
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
