#include "ingest/ingest.h"

#include <future>
#include <utility>

#include "ingest/notices.h"
#include "ingest/replay.h"

namespace rankscope::ingest {
namespace {

constexpr size_t kFrameSlack = 64 << 10;  // what cannot be compressed becomes a little larger
constexpr size_t kMaxNotices = 1000;      // waiting for a disk with room

Sender SenderOf(const wire::Hello& hello) {
  return {hello.producer, hello.epoch, hello.project.empty() ? "default" : hello.project, base::WallNow()};
}

}  // namespace

Ingest::Ingest(Options options, std::unique_ptr<journal::Journal> journal)
    : options_(std::move(options)),
      space_(options_.folder, options_.say),
      journal_(std::move(journal)),
      fanout_(options_.sinks),
      trimmer_(journal_.get(), fanout_, [this] {
        std::lock_guard lock(mutex_);
        return EncodeEntry(watermarks_);
      }) {}

base::Result<std::unique_ptr<Ingest>> Ingest::Open(Options options, std::vector<std::string>* report) {
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(auto journal, journal::Journal::Open(options.folder, {}, &recovery));
  report->insert(report->end(), recovery.damage.begin(), recovery.damage.end());
  std::unique_ptr<Ingest> ingest(new Ingest(std::move(options), std::move(journal)));
  RETURN_IF_ERROR(ingest->Replay(report));
  ingest->committer_ = std::thread([raw = ingest.get()] { raw->CommitLoop(); });
  return ingest;
}

base::Status Ingest::Replay(std::vector<std::string>* report) {
  Replayed replayed;
  RETURN_IF_ERROR(ingest::Replay(journal_.get(), options_.folder, &fanout_, &replayed, report));
  claims_ = std::move(replayed.claims);
  std::lock_guard lock(mutex_);
  watermarks_ = std::move(replayed.watermarks);
  return {};
}

Ingest::~Ingest() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (committer_.joinable()) committer_.join();
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
  if (batch.records->tables().size() + batch.records->records().size() > wire::kMaxFrameBytes - kFrameSlack) {
    return done({Outcome::kFailed, 0, base::Status::Invalid("records of more than 8 MiB together")});
  }
  Submission submission;
  submission.records = batch.records;
  Sender sender{std::move(batch.producer), 0, std::move(batch.project), base::WallNow()};
  if (pace_.slow()) {
    wire::Frame frame = wire::MakeQuickFrame(batch.records->Encoded(), batch.records->size(), batch.first_seq);
    submission.entry = FrameEntry{std::move(sender), std::move(frame)};
  } else {
    submission.entry = BatchEntry{std::move(sender), batch.first_seq, std::move(batch.records)};
  }
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

// REQUIRES mutex_. The next commit writes it.
void Ingest::Notice(model::Record record) {
  if (options_.say) options_.say("job " + record.origin.job + ": " + record.text);
  if (notices_.size() < kMaxNotices) notices_.push_back(std::move(record));
}

void Ingest::Enqueue(Submission submission) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(submission));
  }
  wake_.notify_one();
}

}  // namespace rankscope::ingest
