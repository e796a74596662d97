#include "ingest/ingest.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "ingest/notices.h"
#include "wire/resume.h"

namespace rankscope::ingest {
namespace {

constexpr uint64_t kTrimEvery = 16 << 20;  // bytes of journal between looks at what the sinks no longer need
constexpr auto kIdle = std::chrono::milliseconds(500);
constexpr int64_t kTickEvery = base::kNsPerSecond;
constexpr uint64_t kWorthTrimming = 64 << 10;
constexpr size_t kFrameSlack = 64 << 10;                        // zstd makes what it cannot compress a little larger
constexpr size_t kMaxNotices = 1000;                            // waiting for a disk with room
constexpr std::string_view kServerItself = "rankscope-server";  // the producer of notices
static_assert(kServerItself.size() == 16);

Sender SenderOf(const wire::Hello& hello) {
  return {hello.producer, hello.epoch, hello.project.empty() ? "default" : hello.project, base::WallNow()};
}

template <typename... Kinds>
const Sender& SenderOf(const std::variant<Kinds...>& entry) {
  return std::visit([](const auto& e) -> const Sender& { return e.sender; }, entry);
}

}  // namespace

Ingest::Ingest(Options options) : options_(std::move(options)), space_(options_.folder, options_.say) {}

base::Result<std::unique_ptr<Ingest>> Ingest::Open(Options options, std::vector<std::string>* report) {
  std::unique_ptr<Ingest> ingest(new Ingest(std::move(options)));
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(ingest->journal_, journal::Journal::Open(ingest->options_.folder, {}, &recovery));
  report->insert(report->end(), recovery.damage.begin(), recovery.damage.end());
  RETURN_IF_ERROR(ingest->Replay(report));
  RETURN_IF_ERROR(ingest->CheckEnd(report));
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
    RETURN_IF_ERROR(Replay(raw, report));
  }
  report->insert(report->end(), reader.damage().begin(), reader.damage().end());
  return {};
}

base::Status Ingest::Replay(const journal::Journal::Reader::Entry& raw, std::vector<std::string>* report) {
  auto entry = DecodeEntry(raw.payload);
  if (!entry.ok()) {
    report->push_back(options_.folder + ": " + entry.status().message());
    return {};
  }
  if (auto* table = std::get_if<Watermarks>(&*entry)) {
    for (const auto& [producer, watermark] : *table) {
      Watermark& mine = watermarks_[producer];
      if (mine.committed_seq <= watermark.committed_seq) mine = watermark;
    }
    return {};
  }
  if (auto* lost = std::get_if<LostEntry>(&*entry)) {
    watermarks_[lost->sender.producer] = {lost->sender.epoch, lost->lost.to_seq};
    return {};
  }
  if (auto* forget = std::get_if<ForgetEntry>(&*entry)) {
    Forget(forget->prefix, &watermarks_);
    return {};
  }
  if (auto* tick = std::get_if<TickEntry>(&*entry)) return DeliverTick(raw.end_position, *tick, /*replaying=*/true);
  const auto& frame = std::get<FrameEntry>(*entry);
  bool numbered = !frame.sender.producer.empty();
  if (numbered) watermarks_[frame.sender.producer] = {frame.sender.epoch, frame.frame.last_seq()};
  auto records = wire::OpenFrame(frame.frame, frame.sender.project);
  if (!records.ok()) {
    report->push_back(options_.folder + ": " + records.status().message());
    return {};
  }
  // Whoever was doubled before the restart has been noticed.
  if (numbered) (void)claims_.Take(frame.sender.producer, **records);
  return Deliver(raw.end_position, *records, /*replaying=*/true);
}

// A sink that is further than the journal would not be given what is written at the positions between.
base::Status Ingest::CheckEnd(std::vector<std::string>* report) {
  uint64_t furthest = 0;
  for (model::RecordSink* sink : options_.sinks) furthest = std::max(furthest, sink->durable_position());
  uint64_t end = journal_->end_position();
  if (furthest <= end) return {};
  report->push_back(options_.folder + ": its newest " + std::to_string(furthest - end) +
                    " bytes are missing (a file was removed or cut short); their records are served, but agents may "
                    "send some again");
  return journal_->AdvanceTo(furthest);
}

base::Result<uint64_t> Ingest::Greet(wire::Hello* hello) {
  if (hello->producer.size() != 16 || hello->producer == kServerItself) {
    return base::Status::Invalid("producer id is not 16 random bytes");
  }
  RETURN_IF_ERROR(space_.Check());
  std::lock_guard lock(mutex_);
  if (poisoned_) return base::Status::Unavailable("the server's disk failed");
  Watermark& watermark = watermarks_[hello->producer];
  if (hello->epoch < watermark.epoch) {
    return base::Status::Invalid("fenced: a newer sender (epoch " + std::to_string(watermark.epoch) +
                                 ") has this spool");
  }
  watermark.epoch = hello->epoch;
  if (hello->acked_seq > watermark.committed_seq) Notice(AcknowledgementRegressed(*hello, watermark.committed_seq));
  return watermark.committed_seq;
}

void Ingest::Submit(const wire::Hello& hello, wire::Frame frame, std::function<void(Outcome)> done) {
  Submission submission;
  if (frame.first_seq == 0) {
    return done({Outcome::kFailed, 0, base::Status::Corrupt("frame whose records are not numbered")});
  }
  Sender sender = SenderOf(hello);
  auto records = wire::OpenFrame(frame, sender.project);  // on the stream's thread: the commit thread only writes
  if (!records.ok()) return done({Outcome::kFailed, 0, records.status()});
  submission.records = *std::move(records);
  submission.entry = FrameEntry{std::move(sender), std::move(frame)};
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
  Sender sender{std::move(batch.producer), 0, std::move(batch.project), base::WallNow()};
  submission.entry = FrameEntry{std::move(sender), std::move(frame)};
  submission.done = std::move(done);
  Enqueue(std::move(submission));
}

base::Status Ingest::ForgetProducers(const std::string& project, const std::string& prefix) {
  std::promise<Outcome> promise;
  Submission submission;
  submission.entry = ForgetEntry{{"", 0, project, base::WallNow()}, prefix};
  submission.done = [&promise](const Outcome& outcome) { promise.set_value(outcome); };
  Enqueue(std::move(submission));
  Outcome outcome = promise.get_future().get();
  return outcome.kind == Outcome::kDurable ? base::Status() : outcome.status;
}

uint64_t Ingest::CommittedSeq(const std::string& producer) {
  std::lock_guard lock(mutex_);
  auto found = watermarks_.find(producer);
  return found == watermarks_.end() ? 0 : found->second.committed_seq;
}

void Ingest::SubmitLost(const wire::Hello& hello, wire::Lost lost, std::function<void(Outcome)> done) {
  Submission submission;
  submission.notice = RecordsLost(hello, lost);
  submission.entry = LostEntry{SenderOf(hello), std::move(lost)};
  submission.done = std::move(done);
  Enqueue(std::move(submission));
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
    AddTick(&batch);
    if (batch.empty()) {
      TrimWhenIdle();
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
  if (auto status = space_.Check(); !status.ok()) {
    RefuseRecords(batch, status);
    if (batch->empty()) return Trim();
  }
  Placed placed;
  for (Submission& submission : *batch) Place(&submission, &placed);
  NoticeDoubledRanks(*batch);
  PlaceNotices(batch, &placed);
  if (auto status = journal_->Sync(); !status.ok()) {
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
  Trim();
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
  auto* lost = std::get_if<LostEntry>(&submission->entry);
  uint64_t first = lost ? lost->lost.from_seq : std::get<FrameEntry>(submission->entry).frame.first_seq;
  uint64_t last = lost ? lost->lost.to_seq : std::get<FrameEntry>(submission->entry).frame.last_seq();
  switch (wire::Admit(watermark.committed_seq, first, last)) {
    case wire::Admission::kDuplicate:
      submission->outcome = {Outcome::kDurable, watermark.committed_seq, {}};
      return;
    case wire::Admission::kGap:
      submission->outcome = {Outcome::kGap, watermark.committed_seq + 1, {}};
      return;
    case wire::Admission::kAppend:
      Write(submission, placed, last);
  }
  if (!lost || !submission->appended) return;
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
  auto end = journal_->Append(std::visit([](const auto& entry) { return EncodeEntry(entry); }, submission->entry));
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

// REQUIRES mutex_. The next commit writes it.
void Ingest::Notice(model::Record record) {
  if (options_.say) options_.say("job " + record.origin.job + ": " + record.text);
  if (notices_.size() < kMaxNotices) notices_.push_back(std::move(record));
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

base::Status Ingest::Deliver(const Submission& submission) {
  if (const auto* tick = std::get_if<TickEntry>(&submission.entry)) {
    return DeliverTick(submission.end_position, *tick, /*replaying=*/false);
  }
  return Deliver(submission.end_position, submission.records, /*replaying=*/false);
}

// Sinks need not have had it: another one follows.
base::Status Ingest::DeliverTick(uint64_t end_position, const TickEntry& tick, bool replaying) {
  for (model::RecordSink* sink : options_.sinks) {
    if (replaying && end_position <= sink->durable_position()) continue;
    RETURN_IF_ERROR(sink->Tick(end_position, tick.sender.project, tick.jobs));
  }
  return {};
}

base::Status Ingest::Deliver(uint64_t end_position, const std::shared_ptr<const model::RecordBatch>& records,
                             bool replaying) {
  if (!records) return {};
  delivered_position_ = end_position;
  for (model::RecordSink* sink : options_.sinks) {
    if (replaying && end_position <= sink->durable_position()) continue;
    RETURN_IF_ERROR(sink->Append(end_position, records));
  }
  return {};
}

// A journal file goes when every sink is past it.
void Ingest::Trim() {
  bool full = !space_.Check().ok();
  if (!full && journal_->end_position() - trim_considered_at_ < kTrimEvery) return;
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
  if (!journal_->HasFileBefore(needed)) return;
  std::string table;
  {
    std::lock_guard lock(mutex_);
    table = EncodeEntry(watermarks_);
  }
  // Trimming is an economy: if the disk is full now, the next look tries again.
  if (journal_->Append(table).ok() && journal_->Sync().ok()) (void)journal_->TrimBefore(needed).ok();
}

}  // namespace rankscope::ingest
