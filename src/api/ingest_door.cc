#include "api/ingest_door.h"

#include <cctype>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

#include "api/answer.h"
#include "api/holding_memory.h"
#include "base/clock.h"
#include "base/decoder.h"
#include "model/job_id.h"
#include "parse/json_record.h"
#include "parse/padded_lines.h"

namespace rankscope::api {
namespace {

using Json = nlohmann::json;
using Outcome = wire::FrameReceiver::Outcome;

// Of records in their binary form: stored whole or not at all. With its last record it mostly fits into 2 MiB.
constexpr size_t kChunkBytes = (2 << 20) - (64 << 10);
constexpr size_t kMaxLineBytes = 4 << 20;  // a chunk and a line fit into a frame
constexpr int kMaxUnacknowledged = 2;      // chunks, beyond which the body waits
// A body that tells its length beforehand, up to this one, is held back until it is whole; others may go on for hours.
constexpr uint64_t kMaxHeldLength = 16 << 20;
constexpr size_t kHoldingBytes = 128 << 20;  // of all bodies held back, in binary form

struct Target {
  std::string project, job, producer;
  uint64_t first_seq = 0;  // 0 without a producer
};

base::Result<Target> TargetOf(const Request& request) {
  Target target;
  bool has_seq = false;
  for (const auto& [name, value] : request.query) {
    if (name == "job_id") {
      if (value.empty())
        return base::Status::Invalid("job_id is empty: leave it out for records of the project itself");
      RETURN_IF_ERROR(model::CheckJobId(value));
      target.job = value;
    } else if (name == "project") {
      target.project = value;
    } else if (name == "producer") {
      target.producer = value;
    } else if (name == "seq") {
      auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), target.first_seq);
      has_seq = error == std::errc() && end == value.data() + value.size() && target.first_seq > 0;
      if (!has_seq)
        return base::Status::Invalid("seq \"" + value + "\": the number of the first record, from 1, is wanted");
    } else {
      return base::Status::Invalid("unknown parameter " + name);
    }
  }
  if (has_seq == target.producer.empty()) return base::Status::Invalid("producer and seq go together");
  if (!target.producer.empty()) target.producer = ProducersOfJob(target.job) + target.producer;
  return target;
}

// What became of the chunks of one request: counted by the committing thread, read by the one that answers. Answers
// once the body is over and every chunk has its outcome.
class Tally : public std::enable_shared_from_this<Tally> {
 public:
  explicit Tally(std::shared_ptr<Responder> responder, int refused_code = 400)
      : responder_(std::move(responder)), refused_code_(refused_code) {}

  // Whether another chunk may be submitted before an outcome comes; else ContinueBody is called when one has.
  bool Submitted() {
    std::lock_guard lock(mutex_);
    ++pending_;
    waiting_ = pending_ >= kMaxUnacknowledged;
    return !waiting_;
  }

  void Take(const Outcome& outcome, size_t count) {
    bool go_on;
    {
      std::lock_guard lock(mutex_);
      --pending_;
      if (outcome.kind == Outcome::kDurable) {
        stored_ += count;
      } else if (error_.ok()) {
        error_ = outcome.kind == Outcome::kGap
                     ? base::Status::Invalid("seq: " + std::to_string(outcome.seq) + " is the producer's next")
                     : outcome.status;
      }
      go_on = std::exchange(waiting_, false);
    }
    if (go_on) responder_->ContinueBody();
    AnswerOnce();
  }

  bool failed() {
    std::lock_guard lock(mutex_);
    return !error_.ok();
  }

  void End(const base::Status& status, size_t duplicates) {
    {
      std::lock_guard lock(mutex_);
      if (error_.ok()) error_ = status;
      duplicates_ = duplicates;
      over_ = true;
    }
    AnswerOnce();
  }

 private:
  void AnswerOnce() {
    Json json;
    int code;
    {
      std::lock_guard lock(mutex_);
      if (!over_ || pending_ > 0 || answered_) return;
      answered_ = true;
      json["records"] = stored_ + duplicates_;
      if (duplicates_ > 0) json["duplicates"] = duplicates_;
      if (!error_.ok()) json["error"] = error_.message();
      code = error_.ok() ? 200 : error_.code() == base::Code::kInvalid ? refused_code_ : 503;
    }
    responder_->Begin(code, "application/json");
    responder_->Write(Dump(json));
    responder_->End();
  }

  const std::shared_ptr<Responder> responder_;
  const int refused_code_;
  std::mutex mutex_;  // guards what follows
  int pending_ = 0;
  size_t stored_ = 0, duplicates_ = 0;
  bool waiting_ = false, over_ = false, answered_ = false;
  base::Status error_;
};

class JsonLines : public BodyConsumer {
 public:
  // Holds nothing back without `memory`.
  JsonLines(ingest::Ingest* ingest, Target target, std::unique_ptr<base::Decoder> decoder,
            std::shared_ptr<HoldingMemory> memory, std::shared_ptr<Responder> responder)
      : ingest_(ingest),
        target_(std::move(target)),
        decoder_(std::move(decoder)),
        memory_(std::move(memory)),
        reader_(target_.project, target_.job),
        tally_(std::make_shared<Tally>(std::move(responder))),
        next_seq_(target_.first_seq) {
    if (!target_.producer.empty()) committed_seq_ = ingest_->CommittedSeq(target_.producer);
  }

  Next Take(std::string_view bytes) override {
    may_go_on_ = true;
    arrival_ = base::WallNow();
    if (error_.ok() && tally_->failed()) error_ = base::Status::Unavailable("");  // the tally has the reason
    if (error_.ok()) error_ = decoder_->Decode(bytes, [this](std::string_view piece) { return TakeText(piece); });
    return may_go_on_ ? Next::kMore : Next::kWait;
  }

  void End() override {
    if (error_.ok()) error_ = decoder_->End().WithContext("the body");
    if (error_.ok()) error_ = lines_.End(take_line_);
    if (error_.ok()) Submit();
    if (error_.ok()) LetGo();
    tally_->End(error_, duplicates_);
  }

 private:
  struct Chunk {
    uint64_t first_seq;
    size_t count;
    std::shared_ptr<const model::RecordBatch> records;
    std::shared_ptr<const void> memory;  // while it is held
  };

  base::Status TakeText(std::string_view piece) {
    RETURN_IF_ERROR(lines_.Add(piece, take_line_));
    return lines_.unfinished_bytes() > kMaxLineBytes ? TooLong() : base::Status();
  }

  base::Status TooLong() const {
    return base::Status::Invalid("line " + std::to_string(line_ + 1) + ": longer than " +
                                 std::to_string(kMaxLineBytes >> 20) + " MiB");
  }

  base::Status TakeLine(std::string_view line) {
    if (line.size() > kMaxLineBytes) return TooLong();
    ++line_;
    size_t before = batch_.size();
    auto status = reader_.Read(line, arrival_, next_seq_, &batch_);
    if (!status.ok()) return status.WithContext("line " + std::to_string(line_));
    if (batch_.size() == before) return {};
    if (target_.first_seq != 0 && next_seq_++ <= committed_seq_) {
      // Held already, from the same request before: the batch so far has nothing else.
      ++duplicates_;
      if (next_seq_ > committed_seq_) (void)batch_.Take();
    }
    if (batch_.bytes() >= kChunkBytes) Submit();
    return {};
  }

  void Submit() {
    if (batch_.size() == 0) return;
    size_t count = batch_.size();
    uint64_t first_seq = target_.first_seq == 0 ? 0 : next_seq_ - count;
    if (target_.first_seq != 0 && next_seq_ - 1 <= committed_seq_) {
      (void)batch_.Take();
      return;
    }
    auto memory = memory_ ? memory_->Take(batch_.bytes()) : nullptr;
    held_.push_back({first_seq, count, batch_.Build(), std::move(memory)});
    if (!held_.back().memory) LetGo();
  }

  // What is held goes to the journal, and from now on each chunk at once.
  void LetGo() {
    memory_ = nullptr;
    for (Chunk& chunk : held_) {
      may_go_on_ = tally_->Submitted();
      ingest_->Submit({target_.project, target_.producer, chunk.first_seq, std::move(chunk.records)},
                      [tally = tally_, count = chunk.count, memory = std::move(chunk.memory)](const Outcome& outcome) {
                        tally->Take(outcome, count);
                      });
    }
    held_.clear();
  }

  ingest::Ingest* ingest_;
  const Target target_;
  std::unique_ptr<base::Decoder> decoder_;
  std::shared_ptr<HoldingMemory> memory_;
  parse::JsonRecordReader reader_;
  std::shared_ptr<Tally> tally_;
  model::RecordBatchBuilder batch_;
  std::vector<Chunk> held_;
  parse::PaddedLines lines_{parse::JsonRecordReader::kPadding};
  const parse::PaddedLines::Take take_line_ = [this](std::string_view line) { return TakeLine(line); };
  uint64_t line_ = 0;
  base::TimeNs arrival_ = base::WallNow();  // of the bytes being taken
  uint64_t next_seq_, committed_seq_ = 0;
  size_t duplicates_ = 0;
  bool may_go_on_ = true;
  base::Status error_;
};

// Swallows the body and answers with the error.
class Refusal : public BodyConsumer {
 public:
  Refusal(base::Status status, std::shared_ptr<Responder> responder, int code = 400)
      : status_(std::move(status)), tally_(std::make_shared<Tally>(std::move(responder), code)) {}
  Next Take(std::string_view) override { return Next::kMore; }
  void End() override { tally_->End(status_, 0); }

 private:
  const base::Status status_;
  std::shared_ptr<Tally> tally_;
};

// Names of codings are the same in whatever case.
std::string Lower(std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

bool TellsShortLength(const Request& request) {
  auto length = request.headers.find("content-length");
  if (length == request.headers.end()) return false;
  const std::string& digits = length->second;
  uint64_t bytes = 0;
  return std::from_chars(digits.data(), digits.data() + digits.size(), bytes).ec == std::errc() &&
         bytes <= kMaxHeldLength;
}

}  // namespace

HttpServer::BodyHandler MakeIngestDoor(access::Gate* gate, IngestOfProject ingest_of) {
  return [gate, ingest_of = std::move(ingest_of), memory = std::make_shared<HoldingMemory>(kHoldingBytes)](
             const Request& request, std::shared_ptr<Responder> responder) -> std::unique_ptr<BodyConsumer> {
    if (request.method != "POST" || request.path != kIngestPath) return nullptr;
    auto target = TargetOf(request);
    if (!target.ok()) return std::make_unique<Refusal>(target.status(), std::move(responder));
    auto verdict = gate->Admit(request.token, target->project, access::Action::kIngest);
    if (verdict.kind != access::Gate::Verdict::kAdmitted) {
      int code = verdict.kind == access::Gate::Verdict::kUnknown ? 401 : 403;
      return std::make_unique<Refusal>(base::Status::Invalid(verdict.message), std::move(responder), code);
    }
    target->project = verdict.project;
    auto encoding = request.headers.find("content-encoding");
    auto decoder = base::Decoder::Make(encoding == request.headers.end() ? "" : Lower(encoding->second));
    if (!decoder.ok())
      return std::make_unique<Refusal>(decoder.status().WithContext("Content-Encoding"), std::move(responder));
    auto ingest = ingest_of(target->project);
    if (!ingest.ok()) return std::make_unique<Refusal>(ingest.status(), std::move(responder));
    return std::make_unique<JsonLines>(*ingest, *std::move(target), *std::move(decoder),
                                       TellsShortLength(request) ? memory : nullptr, std::move(responder));
  };
}

// With the job's length: job "a/b" is not producer "b/…" of job "a".
std::string ProducersOfJob(const std::string& job) { return "http/" + std::to_string(job.size()) + "/" + job + "/"; }

}  // namespace rankscope::api
