#include <algorithm>
#include <chrono>
#include <utility>

#include "ingest/ingest.h"
#include "ingest/notices.h"
#include "wire/resume.h"

// The commit thread's part of Ingest.
namespace rankscope::ingest {
namespace {

constexpr auto kIdle = std::chrono::milliseconds(500);
constexpr int64_t kTickEvery = base::kNsPerSecond;

template <typename... Kinds>
const Sender& SenderOf(const std::variant<Kinds...>& entry) {
  return std::visit([](const auto& e) -> const Sender& { return e.sender; }, entry);
}

struct Numbers {
  uint64_t first = 0, last = 0;
};

// Of records, or of those that never come.
template <typename Entry>
Numbers NumbersOf(const Entry& entry) {
  if constexpr (requires { entry.first_seq(); }) return {entry.first_seq(), entry.last_seq()};
  return {};
}

}  // namespace

void Ingest::CommitLoop() {
  while (true) {
    std::deque<Submission> batch;
    {
      std::unique_lock lock(mutex_);
      bool woken = wake_.wait_for(lock, kIdle, [this] { return stopping_ || !queue_.empty(); });
      if (woken && queue_.empty()) return;
      batch.swap(queue_);
    }
    AddTick(&batch);
    if (batch.empty()) {
      trimmer_.WhenIdle();
    } else {
      Commit(&batch);
    }
  }
}

// Costs no sync of its own where records come; where none do, one a second.
void Ingest::AddTick(std::deque<Submission>* batch) {
  int64_t now = base::MonotonicNow();
  if (!options_.silent_jobs || now - ticked_at_ < kTickEvery) return;
  ticked_at_ = now;
  std::vector<model::JobTime> jobs = options_.silent_jobs();
  if (jobs.empty()) return;
  Submission& tick = batch->emplace_back();
  tick.entry = TickEntry{{"", 0, options_.project, base::WallNow()}, std::move(jobs)};
}

void Ingest::Commit(std::deque<Submission>* batch) {
  base::Status full = space_.Check();
  if (base::Status status = full.ok() ? fanout_.Ready() : full; !status.ok()) {
    RefuseRecords(batch, status);
    if (batch->empty()) return trimmer_.AfterCommit(!full.ok());
  }
  Placed placed;
  for (Submission& submission : *batch) Place(&submission, &placed);
  NoticeDoubledRanks(*batch);
  PlaceNotices(batch, &placed);
  if (auto status = Sync(); !status.ok()) {
    Refuse(batch, status);
    {
      std::lock_guard lock(mutex_);
      poisoned_ = true;
    }
    if (options_.fatal) options_.fatal(status);
    return;
  }
  {
    std::lock_guard lock(mutex_);
    for (const auto& [producer, seq] : placed) watermarks_[producer].committed_seq = seq;
  }
  for (Submission& submission : *batch) {
    if (!submission.appended) continue;
    if (auto status = Deliver(submission); !status.ok() && options_.fatal) options_.fatal(status);
  }
  for (Submission& submission : *batch) {
    if (submission.done) submission.done(submission.outcome);
  }
  trimmer_.AfterCommit(!space_.Check().ok());
}

base::Status Ingest::Sync() {
  const int64_t began = base::MonotonicNow();
  RETURN_IF_ERROR(journal_->Sync());
  pace_.Synced(began, base::MonotonicNow());
  return {};
}

base::Status Ingest::Deliver(const Submission& submission) {
  if (const auto* tick = std::get_if<TickEntry>(&submission.entry)) {
    return fanout_.Deliver(submission.end_position, *tick);
  }
  return submission.records ? fanout_.Deliver(submission.end_position, submission.records) : base::Status();
}

// Decides what becomes of one submission and writes it if it is the producer's next.
void Ingest::Place(Submission* submission, Placed* placed) {
  const Sender& sender = SenderOf(submission->entry);
  if (sender.producer.empty()) {
    Write(submission, placed, 0);
    return ForgetIfTold(*submission, placed);
  }
  Watermark watermark;
  {
    std::lock_guard lock(mutex_);
    watermark = watermarks_[sender.producer];
  }
  if (auto found = placed->find(sender.producer); found != placed->end()) watermark.committed_seq = found->second;
  if (sender.epoch < watermark.epoch) {
    submission->outcome = {Outcome::kFenced, watermark.epoch, {}};
    return;
  }
  const Numbers numbers = std::visit([](const auto& entry) { return NumbersOf(entry); }, submission->entry);
  switch (wire::Admit(watermark.committed_seq, numbers.first, numbers.last)) {
    case wire::Admission::kDuplicate:
      submission->outcome = {Outcome::kDurable, watermark.committed_seq, {}};
      return;
    case wire::Admission::kGap:
      submission->outcome = {Outcome::kGap, watermark.committed_seq + 1, {}};
      return;
    case wire::Admission::kAppend:
      Write(submission, placed, numbers.last);
  }
  if (!submission->notice || !submission->appended) return;
  std::lock_guard lock(mutex_);
  Notice(*std::move(submission->notice));
}

// At once: what follows in the same commit begins anew. If it does not become durable, nothing further is admitted.
void Ingest::ForgetIfTold(const Submission& submission, Placed* placed) {
  const auto* forget = std::get_if<ForgetEntry>(&submission.entry);
  if (!forget || !submission.appended) return;
  std::erase_if(*placed, [&](const auto& entry) { return entry.first.starts_with(forget->prefix); });
  std::lock_guard lock(mutex_);
  Forget(forget->prefix, &watermarks_);
}

void Ingest::Write(Submission* submission, Placed* placed, uint64_t last_seq) {
  auto end = std::visit([&](const auto& entry) { return journal_->Append(EncodeEntry(entry), BodyOf(entry)); },
                        submission->entry);
  if (!end.ok()) {
    space_.Refused(end.status());
    submission->outcome = {Outcome::kFailed, 0, base::Status::Unavailable(end.status().message())};
    return;
  }
  submission->end_position = *end;
  submission->appended = true;
  if (const Sender& sender = SenderOf(submission->entry); !sender.producer.empty())
    (*placed)[sender.producer] = last_seq;
  submission->outcome = {Outcome::kDurable, last_seq, {}};
}

void Ingest::NoticeDoubledRanks(const std::deque<Submission>& batch) {
  for (const Submission& submission : batch) {
    const std::string& producer = SenderOf(submission.entry).producer;
    if (!submission.appended || !submission.records || producer.empty()) continue;
    for (const model::Record& record : claims_.Take(producer, *submission.records)) {
      std::lock_guard lock(mutex_);
      Notice(DuplicateRank(record));
    }
  }
}

// Notices are records like any: numbered, journalled, delivered. Their producer is the server itself.
void Ingest::PlaceNotices(std::deque<Submission>* batch, Placed* placed) {
  const std::string producer(kServerItself);
  std::map<std::string, std::vector<model::Record>> by_project;
  uint64_t seq = 0;
  {
    std::lock_guard lock(mutex_);
    seq = watermarks_[producer].committed_seq;
    for (model::Record& record : notices_) by_project[record.origin.project].push_back(std::move(record));
    notices_.clear();
  }
  for (auto& [project, records] : by_project) {
    uint64_t last = seq;
    for (model::Record& record : records) record.seq = ++last;
    Submission submission;
    submission.entry = FrameEntry{{producer, 0, project, base::WallNow()}, wire::MakeFrame(records)};
    if (auto opened = wire::OpenFrame(std::get<FrameEntry>(submission.entry).frame, project); opened.ok()) {
      submission.records = *std::move(opened);
    }
    Write(&submission, placed, last);
    std::lock_guard lock(mutex_);
    if (submission.appended) {
      seq = last;
      batch->push_back(std::move(submission));
    } else {
      notices_.insert(notices_.end(), records.begin(), records.end());
    }
  }
}

// Leaves what makes room: a few bytes of the reserve are for that.
void Ingest::RefuseRecords(std::deque<Submission>* batch, const base::Status& status) {
  std::deque<Submission> records;
  for (Submission& submission : std::exchange(*batch, {})) {
    bool forgets = std::holds_alternative<ForgetEntry>(submission.entry);
    (forgets ? *batch : records).push_back(std::move(submission));
  }
  Refuse(&records, status);
}

void Ingest::Refuse(std::deque<Submission>* batch, const base::Status& status) {
  for (Submission& submission : *batch) {
    if (submission.done) submission.done({Outcome::kFailed, 0, base::Status::Unavailable(status.message())});
  }
}

}  // namespace rankscope::ingest
