#include "ingest/ingest.h"

#include <algorithm>

#include "wire/resume.h"

namespace rankscope::ingest {
namespace {

constexpr uint64_t kTrimEvery = 16 << 20;  // bytes of journal between looks at what the sinks no longer need

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
    watermarks_[frame.producer] = {frame.epoch, frame.frame.last_seq()};
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
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      batch.swap(queue_);
    }
    Commit(&batch);
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

// Decides what becomes of one frame and writes it if it is the producer's next.
void Ingest::Place(Submission* submission) {
  const FrameEntry& entry = submission->entry;
  std::lock_guard lock(mutex_);
  Watermark& watermark = watermarks_[entry.producer];
  if (entry.epoch < watermark.epoch) {
    submission->outcome = {Outcome::kFenced, watermark.epoch, {}};
    return;
  }
  switch (wire::Admit(watermark.committed_seq, entry.frame)) {
    case wire::Admission::kDuplicate:
      submission->outcome = {Outcome::kDurable, watermark.committed_seq, {}};
      return;
    case wire::Admission::kGap:
      submission->outcome = {Outcome::kGap, watermark.committed_seq + 1, {}};
      return;
    case wire::Admission::kAppend:
      break;
  }
  auto end = journal_->Append(EncodeEntry(entry));
  if (!end.ok()) {
    submission->outcome = {Outcome::kFailed, 0, base::Status::Unavailable(end.status().message())};
    return;
  }
  submission->end_position = *end;
  submission->appended = true;
  watermark.committed_seq = entry.frame.last_seq();
  submission->outcome = {Outcome::kDurable, watermark.committed_seq, {}};
}

void Ingest::Refuse(std::deque<Submission>* batch, const base::Status& status) {
  for (Submission& submission : *batch) {
    submission.done({Outcome::kFailed, 0, base::Status::Unavailable(status.message())});
  }
}

base::Status Ingest::Deliver(uint64_t end_position, const std::shared_ptr<const model::RecordBatch>& records,
                             bool replaying) {
  for (model::RecordSink* sink : options_.sinks) {
    if (replaying && end_position <= sink->durable_position()) continue;
    RETURN_IF_ERROR(sink->Append(end_position, records));
  }
  return {};
}

// A journal file goes when every sink is past it. The table of watermarks is written, and durable, before.
void Ingest::Trim() {
  if (journal_->end_position() - trim_considered_at_ < kTrimEvery) return;
  trim_considered_at_ = journal_->end_position();
  uint64_t needed = journal_->end_position();
  for (model::RecordSink* sink : options_.sinks) needed = std::min(needed, sink->durable_position());
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
