#include "wire/ingest_stream.h"

#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "wire/order_protocol.h"
#include "wire/protocol.h"

namespace rankscope::wire {
namespace {

using Reactor = grpc::ServerBidiReactor<v1::Envelope, v1::Envelope>;

grpc::Status ToGrpc(const base::Status& status) {
  auto code = status.code() == base::Code::kCorrupt ? grpc::StatusCode::DATA_LOSS : grpc::StatusCode::UNAVAILABLE;
  return {code, status.message()};
}

// One agent's stream. Owned by itself together with the completions under way: gRPC drops its share in OnDone, and
// `done` callbacks that come later find `over_` set.
class IngestStream : public Reactor, public OpenStream, public std::enable_shared_from_this<IngestStream> {
 public:
  explicit IngestStream(StreamsShare* share) : share_(share) { ++share_->open; }

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
      case v1::AgentMessage::kAnswer:
        return OnAnswer();
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

  void Tell(const Command& command) override {
    v1::ServerMessage message;
    ToProto(command, message.mutable_command());
    Send(message);
  }

  // A stream whose records wait for the disk is not read, so its pings are not answered: it must not seem dead.
  void SayAlive() override {
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
    if (greeted_) share_->jobs.Remove(JobKey(), this);
    --share_->open;
    self_.reset();
  }

 private:
  void OnHello() {
    const v1::Hello& hello = incoming_.hello();
    if (greeted_) return Refuse("second hello");
    if (hello.protocol() != kProtocolVersion) {
      return Refuse("the agent (version " + hello.version() + ") speaks protocol " + std::to_string(hello.protocol()) +
                    ", the server (version " + share_->version + ") speaks " + std::to_string(kProtocolVersion) +
                    ": install the same version of rankscope on both");
    }
    hello_ = FromProto(hello);
    auto committed = share_->receiver->Greet(&hello_);
    if (committed.status().code() == base::Code::kInvalid) return Refuse(committed.status().message());
    if (!committed.ok()) return Close(ToGrpc(committed.status()));
    greeted_ = true;
    v1::ServerMessage answer;
    answer.mutable_welcome()->set_version(share_->version);
    answer.mutable_welcome()->set_committed_seq(*committed);
    answer.mutable_welcome()->set_wall_ns(base::WallNow());
    answer.mutable_welcome()->set_max_frame_bytes(kMaxFrameBytes);
    durable_seq_ = *committed;
    share_->jobs.Add(JobKey(), shared_from_this(), [&] { Send(answer); });
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
    share_->receiver->Submit(hello_, std::move(frame), Done(bytes));
    ReadOn();
  }

  void OnLost() {
    if (!greeted_) return Refuse("loss before hello");
    const v1::Lost& lost = incoming_.lost();
    if (lost.from_seq() == 0 || lost.to_seq() < lost.from_seq()) return Refuse("loss of no records");
    Hold(lost.ByteSizeLong());
    share_->receiver->SubmitLost(hello_, {lost.from_seq(), lost.to_seq(), lost.reason()}, Done(lost.ByteSizeLong()));
    ReadOn();
  }

  void OnAnswer() {
    if (!greeted_) return Refuse("answer before hello");
    share_->receiver->Answer(hello_, FromProto(incoming_.answer()));
    ReadOn();
  }

  void Hold(size_t bytes) {
    share_->budget.Take(bytes);
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
    bool now = share_->budget.MayRead([weak = weak_from_this()] {
      if (auto self = weak.lock()) self->ReadOn();
    });
    std::lock_guard lock(mutex_);
    if (now && !closing_ && !over_) StartRead(&envelope_);
  }

  std::function<void(FrameReceiver::Outcome)> Done(size_t bytes) {
    return [self = shared_from_this(), bytes](const FrameReceiver::Outcome& outcome) {
      self->OnOutcome(bytes, outcome);
      self->share_->budget.Return(bytes);
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
        return Send(answer);
      case FrameReceiver::Outcome::kFenced:
        answer.mutable_fenced()->set_current_epoch(static_cast<uint32_t>(outcome.seq));
        return Send(answer);
      case FrameReceiver::Outcome::kFailed:
        return Close(ToGrpc(outcome.status));
    }
  }

  void SendAck(uint64_t seq) {
    v1::ServerMessage answer;
    answer.mutable_ack()->set_durable_seq(seq);
    Send(answer);
  }

  void Send(const v1::ServerMessage& message) {
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
    Send(answer);
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

  StreamsShare* share_;
  std::shared_ptr<IngestStream> self_;
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

}  // namespace

Reactor* ServeStream(StreamsShare* share) {
  auto stream = std::make_shared<IngestStream>(share);
  stream->Begin();
  return stream.get();
}

}  // namespace rankscope::wire
