#include "ingest/ingest.h"

#include <algorithm>
#include <chrono>

#include "wire/resume.h"

namespace rankscope::ingest {
namespace {

constexpr uint64_t kTrimEvery = 16 << 20;  // bytes of journal between looks at what the sinks no longer need
constexpr size_t kFrameSlack = 64 << 10;   // zstd makes what it cannot compress a little larger
constexpr auto kIdle = std::chrono::milliseconds(500);
constexpr uint64_t kWorthTrimming = 64 << 10;

}  // namespace

base::Result<std::unique_ptr<Ingest>> Ingest::Open(Options options, std::vector<std::string>* report) {
  std::unique_ptr<Ingest> ingest(new Ingest);
  ingest->options_ = std::move(options);
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(ingest->journal_, journal::Journal::Open(ingest->options_.folder, {}, &recovery));
  report->insert(report->end(), recovery.damage.begin(), recovery.damage.end());
  RETURN_IF_ERROR(ingest->Replay(report));
  ingest->committer_ = std::thread([raw = ingest.get()] { raw->CommitLoop(); });
  return ingest;
}

Ingest::~Ingest() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (committer_.joinable()) committer_.join();
}

base::Status Ingest::Replay(std::vector<std::string>* report) {
  auto reader = journal_->Read(0);
  journal::Journal::Reader::Entry raw;
  while (true) {
    ASSIGN_OR_RETURN(bool more, reader.Next(&raw));
    if (!more) break;
    auto entry = DecodeEntry(raw.payload);
    if (!entry.ok()) {
      report->push_back(entry.status().message());
      continue;
    }
    if (auto* table = std::get_if<Watermarks>(&*entry)) {
      for (const auto& [producer, watermark] : *table) {
        Watermark& mine = watermarks_[producer];
        if (mine.committed_seq <= watermark.committed_seq) mine = watermark;
      }
      continue;
    }
    const auto& frame = std::get<FrameEntry>(*entry);
    if (!frame.producer.empty()) watermarks_[frame.producer] = {frame.epoch, frame.frame.last_seq()};
    auto records = wire::OpenFrame(frame.frame, frame.project);
    if (!records.ok()) {
      report->push_back(records.status().message());
      continue;
    }
    RETURN_IF_ERROR(Deliver(raw.end_position, *records, /*replaying=*/true));
  }
  report->insert(report->end(), reader.damage().begin(), reader.damage().end());
  return {};
}

base::Result<uint64_t> Ingest::Greet(const wire::Hello& hello) {
  if (hello.producer.size() != 16) return base::Status::Invalid("producer id is not 16 bytes");
  std::lock_guard lock(mutex_);
  if (poisoned_) return base::Status::Unavailable("the server's disk failed");
  Watermark& watermark = watermarks_[hello.producer];
  if (hello.epoch < watermark.epoch) {
    return base::Status::Invalid("fenced: a newer sender (epoch " + std::to_string(watermark.epoch) +
                                 ") has this spool");
  }
  watermark.epoch = hello.epoch;
  return watermark.committed_seq;
}

void Ingest::Submit(const wire::Hello& hello, wire::Frame frame, std::function<void(Outcome)> done) {
  Submission submission;
  if (frame.first_seq == 0) {
    return done({Outcome::kFailed, 0, base::Status::Corrupt("frame whose records are not numbered")});
  }
  std::string project = hello.project.empty() ? "default" : hello.project;
  auto records = wire::OpenFrame(frame, project);  // on the stream's thread: the commit thread only writes
  if (!records.ok()) return done({Outcome::kFailed, 0, records.status()});
  submission.records = *std::move(records);
  submission.entry = {hello.producer, hello.epoch, std::move(project), base::WallNow(), std::move(frame)};
  submission.done = std::move(done);
  Enqueue(std::move(submission));
}

void Ingest::Submit(Batch batch, std::function<void(Outcome)> done) {
  if (batch.bytes.size() > wire::kMaxFrameBytes - kFrameSlack) {
    return done({Outcome::kFailed, 0, base::Status::Invalid("records of more than 8 MiB together")});
  }
  Submission submission;
  wire::Frame frame = wire::MakeFrame(batch.bytes, batch.count, batch.first_seq);
  auto records = model::RecordBatch::Decode(std::move(batch.bytes));
  if (!records.ok()) return done({Outcome::kFailed, 0, records.status()});
  submission.records = *std::move(records);
  submission.entry = {std::move(batch.producer), 0, std::move(batch.project), base::WallNow(), std::move(frame)};
  submission.done = std::move(done);
  Enqueue(std::move(submission));
}

uint64_t Ingest::CommittedSeq(const std::string& producer) {
  std::lock_guard lock(mutex_);
  auto found = watermarks_.find(producer);
  return found == watermarks_.end() ? 0 : found->second.committed_seq;
}

void Ingest::Enqueue(Submission submission) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(submission));
  }
  wake_.notify_one();
}

void Ingest::CommitLoop() {
  while (true) {
    std::deque<Submission> batch;
    {
      std::unique_lock lock(mutex_);
      bool woken = wake_.wait_for(lock, kIdle, [this] { return stopping_ || !queue_.empty(); });
      if (woken && queue_.empty()) return;
      batch.swap(queue_);
    }
    if (batch.empty()) {
      TrimWhenIdle();
    } else {
      Commit(&batch);
    }
  }
}

void Ingest::Commit(std::deque<Submission>* batch) {
  for (Submission& submission : *batch) Place(&submission);
  if (auto status = journal_->Sync(); !status.ok()) {
    Refuse(batch, status);
    {
      std::lock_guard lock(mutex_);
      poisoned_ = true;
    }
    if (options_.fatal) options_.fatal(status);
    return;
  }
  for (Submission& submission : *batch) {
    if (!submission.appended) continue;
    if (auto status = Deliver(submission.end_position, submission.records, false); !status.ok() && options_.fatal) {
      options_.fatal(status);
    }
  }
  for (Submission& submission : *batch) submission.done(submission.outcome);
  Trim();
}

// Whether the frame is the producer's next; else its outcome is set. REQUIRES mutex_.
bool Ingest::Admit(Submission* submission) {
  const FrameEntry& entry = submission->entry;
  Watermark& watermark = watermarks_[entry.producer];
  if (entry.epoch < watermark.epoch) {
    submission->outcome = {Outcome::kFenced, watermark.epoch, {}};
    return false;
  }
  switch (wire::Admit(watermark.committed_seq, entry.frame)) {
    case wire::Admission::kDuplicate:
      submission->outcome = {Outcome::kDurable, watermark.committed_seq, {}};
      return false;
    case wire::Admission::kGap:
      submission->outcome = {Outcome::kGap, watermark.committed_seq + 1, {}};
      return false;
    case wire::Admission::kAppend:
      break;
  }
  return true;
}

// Writes one frame if it is to be.
void Ingest::Place(Submission* submission) {
  const FrameEntry& entry = submission->entry;
  std::lock_guard lock(mutex_);
  if (!entry.producer.empty() && !Admit(submission)) return;
  auto end = journal_->Append(EncodeEntry(entry));
  if (!end.ok()) {
    submission->outcome = {Outcome::kFailed, 0, base::Status::Unavailable(end.status().message())};
    return;
  }
  submission->end_position = *end;
  submission->appended = true;
  submission->outcome = {Outcome::kDurable, entry.frame.last_seq(), {}};
  if (!entry.producer.empty()) watermarks_[entry.producer].committed_seq = entry.frame.last_seq();
}

void Ingest::Refuse(std::deque<Submission>* batch, const base::Status& status) {
  for (Submission& submission : *batch) {
    submission.done({Outcome::kFailed, 0, base::Status::Unavailable(status.message())});
  }
}

base::Status Ingest::Deliver(uint64_t end_position, const std::shared_ptr<const model::RecordBatch>& records,
                             bool replaying) {
  delivered_position_ = end_position;
  for (model::RecordSink* sink : options_.sinks) {
    if (replaying && end_position <= sink->durable_position()) continue;
    RETURN_IF_ERROR(sink->Append(end_position, records));
  }
  return {};
}

// A journal file goes when every sink is past it.
void Ingest::Trim() {
  if (journal_->end_position() - trim_considered_at_ < kTrimEvery) return;
  trim_considered_at_ = journal_->end_position();
  TrimBefore(NeededPosition());
}

// Once the sinks have everything, nothing of the journal need stay; but do not rewrite it for a few records.
void Ingest::TrimWhenIdle() {
  uint64_t end = journal_->end_position();
  if (NeededPosition() < delivered_position_ || end == idle_trimmed_at_) return;
  if (journal_->bytes_on_disk() < kWorthTrimming || !journal_->BeginNextFile().ok()) return;
  TrimBefore(end);
  idle_trimmed_at_ = journal_->end_position();
}

uint64_t Ingest::NeededPosition() const {
  uint64_t needed = journal_->end_position();
  for (model::RecordSink* sink : options_.sinks) needed = std::min(needed, sink->durable_position());
  return needed;
}

// The table of watermarks is written, and durable, before.
void Ingest::TrimBefore(uint64_t needed) {
  if (needed <= journal_->first_position()) return;
  std::string table;
  {
    std::lock_guard lock(mutex_);
    table = EncodeEntry(watermarks_);
  }
  // Trimming is an economy: if the disk is full now, the next look tries again.
  if (journal_->Append(table).ok() && journal_->Sync().ok()) (void)journal_->TrimBefore(needed).ok();
}

}  // namespace rankscope::ingest
