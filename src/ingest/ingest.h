#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "ingest/disk_pace.h"
#include "ingest/fanout.h"
#include "ingest/journal_entry.h"
#include "ingest/journal_trimmer.h"
#include "ingest/rank_claims.h"
#include "ingest/space_guard.h"
#include "journal/journal.h"
#include "model/record_sink.h"
#include "wire/ingest_service.h"

namespace rankscope::ingest {

// The server end of the streams: journal, acknowledge, fan out. One commit thread takes everything submitted meanwhile,
// appends it, syncs once, hands the records to the sinks and then acknowledges (read your writes).
//
// A full disk refuses agents and frames (kUnavailable) until there is room; the agents keep them. A failed fdatasync is
// final: every later frame is refused and the process should end (`fatal` is called once), since the kernel may have
// dropped the bytes.
class Ingest : public wire::FrameReceiver {
 public:
  struct Options {
    std::string folder;                     // of the journal
    std::vector<model::RecordSink*> sinks;  // outlive this
    // Asked once a second, by the commit thread: the jobs that live and say nothing. They get a tick in the journal.
    std::function<std::vector<model::JobTime>()> silent_jobs;
    std::string project = "default";  // whose they are
    std::function<void(const base::Status&)> fatal;
    std::function<void(const std::string&)> say;  // a sentence for whoever runs the server; any thread
  };

  // Replays to each sink what lies after its durable position. `report` gets a sentence per damage.
  static base::Result<std::unique_ptr<Ingest>> Open(Options options, std::vector<std::string>* report);
  // Commits what was submitted, then stops.
  ~Ingest() override;

  base::Result<uint64_t> Greet(wire::Hello* hello) override;
  void Submit(const wire::Hello& hello, wire::Frame frame, std::function<void(Outcome)> done) override;
  void SubmitLost(const wire::Hello& hello, wire::Lost lost, std::function<void(Outcome)> done) override;

  // Records that come without a stream: from HTTP. With a producer their seq are dense from first_seq and they are
  // stored once, as an agent's are; without one, each time that they are submitted.
  struct Batch {
    std::string project, producer;
    uint64_t first_seq = 0;                             // 0 without a producer
    std::shared_ptr<const model::RecordBatch> records;  // one or more, at most wire::kMaxFrameBytes encoded
  };
  void Submit(Batch batch, std::function<void(Outcome)> done);
  // Forgets how far the producers are whose names begin with `prefix`, since what they sent is deleted: else sending it
  // anew would store nothing. Blocks until that is on disk; kUnavailable: a full disk.
  base::Status ForgetProducers(const std::string& project, const std::string& prefix);
  // kUnavailable while the disk has no room for records. Any thread.
  base::Status HasRoom() { return space_.Check(); }
  // Up to where the producer's records are on disk. Any thread.
  uint64_t CommittedSeq(const std::string& producer);

 private:
  using Entry = std::variant<FrameEntry, BatchEntry, LostEntry, ForgetEntry, TickEntry>;
  struct Submission {
    Entry entry;
    std::shared_ptr<const model::RecordBatch> records;  // null: none
    std::optional<model::Record> notice;                // goes out if the entry is news
    std::function<void(Outcome)> done;
    Outcome outcome{Outcome::kFailed, 0, {}};
    uint64_t end_position = 0;
    bool appended = false;
  };

  using Placed = std::map<std::string, uint64_t>;  // by producer: written, and durable after the next sync

  Ingest(Options options, std::unique_ptr<journal::Journal> journal);
  base::Status Replay(std::vector<std::string>* report);
  void Enqueue(Submission submission);
  void CommitLoop();
  void AddTick(std::deque<Submission>* batch);
  void Commit(std::deque<Submission>* batch);
  base::Status Sync();
  void Place(Submission* submission, Placed* placed);
  void ForgetIfTold(const Submission& submission, Placed* placed);
  void Write(Submission* submission, Placed* placed, uint64_t last_seq);
  void NoticeDoubledRanks(const std::deque<Submission>& batch);
  void PlaceNotices(std::deque<Submission>* batch, Placed* placed);
  void Notice(model::Record record);
  void RefuseRecords(std::deque<Submission>* batch, const base::Status& status);
  void Refuse(std::deque<Submission>* batch, const base::Status& status);
  base::Status Deliver(const Submission& submission);

  const Options options_;
  SpaceGuard space_;
  // The commit thread's own.
  const std::unique_ptr<journal::Journal> journal_;
  Fanout fanout_;
  JournalTrimmer trimmer_;
  RankClaims claims_;
  int64_t ticked_at_ = 0;  // by the monotonic clock

  DiskPace pace_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  Watermarks watermarks_;  // of what is durable
  std::deque<Submission> queue_;
  std::vector<model::Record> notices_;  // not yet in the journal
  bool stopping_ = false;
  bool poisoned_ = false;
  std::thread committer_;
};

}  // namespace rankscope::ingest
