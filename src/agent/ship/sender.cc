#include "agent/ship/sender.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "agent/ship/server_address.h"
#include "base/clock.h"
#include "base/version.h"
#include "wire/ingest_service.h"
#include "wire/resume.h"

namespace rankscope::agent {
namespace {

using std::chrono::milliseconds;

// Of what is sent and not acknowledged, as the server counts it: with more it would read no further, and the answers of
// orders would wait behind records.
constexpr uint64_t kMaxInFlight = wire::IngestServer::kMaxUnacknowledged;
constexpr milliseconds kFirstBackoff{50};
constexpr milliseconds kLastBackoff{5000};
constexpr milliseconds kPingEvery{1000};
constexpr int64_t kDeadAfter = 15 * base::kNsPerSecond;  // a half-open connection says nothing
constexpr size_t kMostAnswers = 1024;
constexpr char kNotInTheSpool[] = "the agent's spool holds them no longer (damaged on its disk, or released)";

}  // namespace

Sender::Sender(RunConfig config, Spool* spool, uint64_t last_spooled_seq, std::function<void(const std::string&)> alert)
    : config_(std::move(config)), spool_(spool), alert_(std::move(alert)), spooled_seq_(last_spooled_seq) {
  thread_ = std::thread([this] { Loop(); });
}

Sender::~Sender() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Sender::Wake(uint64_t last_spooled_seq) {
  {
    std::lock_guard lock(mutex_);
    spooled_seq_ = last_spooled_seq;
  }
  changed_.notify_all();
}

base::Status Sender::refusal() {
  std::lock_guard lock(mutex_);
  return refusal_;
}

std::string Sender::trouble() {
  std::lock_guard lock(mutex_);
  return connected_ ? "" : trouble_;
}

std::vector<model::JobOrder> Sender::TakeOrders() {
  std::lock_guard lock(mutex_);
  return std::exchange(orders_, {});
}

void Sender::Answer(model::JobAnswer answer) {
  {
    std::lock_guard lock(mutex_);
    if (answers_.size() >= kMostAnswers) answers_.pop_front();
    answers_.push_back(std::move(answer));
  }
  changed_.notify_all();
}

// False when the stream is dead: those that went into it are lost, as it may have been with any.
bool Sender::SendAnswers(wire::AgentStream* stream) {
  std::deque<model::JobAnswer> answers;
  {
    std::lock_guard lock(mutex_);
    answers.swap(answers_);
  }
  return std::all_of(answers.begin(), answers.end(), [&](const auto& answer) { return stream->SendAnswer(answer); });
}

void Sender::Loop() {
  std::minstd_rand random(std::random_device{}());
  milliseconds backoff = kFirstBackoff;
  while (true) {
    uint64_t acked_before = acked_seq_;
    base::Status ended = Session();
    connected_ = false;
    std::unique_lock lock(mutex_);
    if (ended.code() == base::Code::kInvalid) refusal_ = ended;
    trouble_ = ended.message();
    if (stopping_ || !refusal_.ok()) return;
    if (acked_seq_ > acked_before) backoff = kFirstBackoff;  // it works: a server that was restarted is waited for
    std::uniform_int_distribution<int64_t> jitter(backoff.count() / 2, backoff.count());
    changed_.wait_for(lock, milliseconds(jitter(random)), [this] { return stopping_; });
    backoff = std::min(backoff * 2, kLastBackoff);
  }
}

base::Status Sender::Session() {
  ASSIGN_OR_RETURN(std::string address, FindGrpcAddress(CurrentServer(config_)));
  wire::Hello hello;
  hello.producer = spool_->producer();
  hello.epoch = spool_->epoch();
  hello.project = config_.project;
  hello.job = config_.job;
  hello.token = config_.token;
  hello.host = config_.host;
  hello.version = base::kVersion;
  hello.acked_seq = acked_seq_;
  {
    std::lock_guard lock(mutex_);
    hello.next_seq = spooled_seq_ + 1;
    in_flight_.clear();
    in_flight_bytes_ = 0;
    rewind_ = 0;
  }
  wire::AgentStream::Events events;
  events.acked = [this](uint64_t seq) { OnAck(seq); };
  events.gap = [this](uint64_t seq) {
    std::lock_guard lock(mutex_);
    rewind_ = seq;
    changed_.notify_all();
  };
  events.command = [this](const wire::Command& command) {
    if (command.log_interval_steps > 0) log_interval_steps_ = command.log_interval_steps;
    if (!command.alert.empty()) alert_(command.alert);
    if (!command.order) return;
    std::lock_guard lock(mutex_);
    orders_.push_back(*command.order);
  };
  wire::AgentStream::Greeting greeting;
  ASSIGN_OR_RETURN(auto stream, wire::AgentStream::Open(address, hello, events, &greeting));
  switch (wire::Resume(greeting.committed_seq, acked_seq_, hello.next_seq)) {
    case wire::Resumption::kNewProducer:
      return base::Status::Invalid("the server holds records that this spool never made: it was restored from a copy");
    case wire::Resumption::kRegressed:
      ForgetAcknowledged(greeting.committed_seq);
      break;
    case wire::Resumption::kSend:
      break;
  }
  connected_ = true;
  if (!reached_) held_before_ = greeting.committed_seq;
  clock_offset_.Measure(greeting.clock_offset_ns, greeting.round_trip_ns, base::WallNow() - base::MonotonicNow());
  OnAck(greeting.committed_seq);
  reached_ = true;
  base::Status ended = Ship(stream.get(), greeting.committed_seq + 1);
  stream->Cancel();
  base::Status said = stream->status();
  return said.ok() ? ended : said;
}

base::Status Sender::Ship(wire::AgentStream* stream, uint64_t from_seq) {
  Spool::Reader reader = spool_->ReadFrom(from_seq);
  wire::Frame frame;
  while (true) {
    ASSIGN_OR_RETURN(bool more, reader.Next(&frame));
    uint64_t bytes = more ? wire::FrameMemory(frame) : 0;
    if (!AwaitRoom(stream, bytes)) break;
    std::unique_lock lock(mutex_);
    if (rewind_ != 0) return base::Status::Unavailable("the server asked for an earlier frame");
    if (!more) {
      uint64_t known = spooled_seq_;
      bool woken = changed_.wait_for(
          lock, kPingEvery, [&] { return stopping_ || rewind_ || spooled_seq_ != known || !answers_.empty(); });
      lock.unlock();
      if (!SendAnswers(stream) || (!woken && !stream->Ping())) break;
      continue;
    }
    uint64_t skipped_from = std::exchange(from_seq, frame.last_seq() + 1);
    in_flight_.push_back({frame.last_seq(), bytes});
    in_flight_bytes_ += bytes;
    lock.unlock();
    if (!SendAnswers(stream)) break;
    if (skipped_from < frame.first_seq && !TellLost(stream, skipped_from, frame.first_seq - 1)) break;
    frame.clock_offset_ns = clock_offset_.value();
    if (!stream->Send(frame)) break;
  }
  return base::Status::Unavailable("the stream ended");
}

// Again on each stream until it is acknowledged, and counted once.
bool Sender::TellLost(wire::AgentStream* stream, uint64_t first_seq, uint64_t last_seq) {
  if (last_seq > lost_up_to_) {
    lost_ += last_seq - std::max(first_seq - 1, lost_up_to_);
    lost_up_to_ = last_seq;
  }
  return stream->SendLost(first_seq, last_seq, kNotInTheSpool);
}

// False when the stream is dead, silent for too long, or we stop. Answers of orders do not wait for room: somebody
// waits for them.
bool Sender::AwaitRoom(wire::AgentStream* stream, uint64_t bytes) {
  while (SendAnswers(stream) && stream->status().ok() && stream->SilentFor() <= kDeadAfter) {
    std::unique_lock lock(mutex_);
    auto has_room = [&] { return in_flight_.empty() || rewind_ != 0 || in_flight_bytes_ + bytes <= kMaxInFlight; };
    if (stopping_) return false;
    if (has_room()) return true;
    changed_.wait_for(lock, kPingEvery, [&] { return stopping_ || has_room() || !answers_.empty(); });
  }
  return false;
}

// The server lost what it had acknowledged: it is sent again, and the spool must keep it until it is acknowledged anew.
void Sender::ForgetAcknowledged(uint64_t committed_seq) {
  std::lock_guard lock(mutex_);
  acked_seq_ = committed_seq;
}

void Sender::OnAck(uint64_t durable_seq) {
  std::lock_guard lock(mutex_);
  if (durable_seq > acked_seq_) acked_seq_ = durable_seq;
  while (!in_flight_.empty() && in_flight_.front().last_seq <= durable_seq) {
    in_flight_bytes_ -= in_flight_.front().bytes;
    in_flight_.pop_front();
  }
  changed_.notify_all();
}

}  // namespace rankscope::agent
