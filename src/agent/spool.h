#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "wire/frame.h"

namespace rankscope::agent {

// How far the agent has read each of its sources when a frame was made: channel or ring name → bytes or records.
// It travels inside the frame's spool entry, so that an agent that was killed goes on exactly where its last durable
// frame ended: from source to spool, too, each record is taken once.
using SourcePositions = std::map<std::string, uint64_t>;

// Frames on disk until the server has acknowledged them: a journal, the producer's identity and its epoch.
class Spool {
 public:
  // Bumps the epoch, durably. kUnavailable when another agent has the spool.
  static base::Result<std::unique_ptr<Spool>> Open(const std::string& folder, journal::Recovery* recovery);

  const std::string& producer() const { return producer_; }
  uint32_t epoch() const { return epoch_; }
  uint64_t next_seq() const { return next_seq_; }
  uint64_t first_seq() const { return first_seq_; }
  const SourcePositions& positions() const { return positions_; }
  uint64_t bytes_on_disk() const { return journal_->bytes_on_disk(); }

  // Numbers the records, writes and syncs the frame. On error (full disk) nothing was taken: try again.
  base::Status Append(std::vector<model::Record>* records, const SourcePositions& positions);

  // Frames from the one that holds `seq` on. For the sender's thread, while another appends.
  class Reader {
   public:
    base::Result<bool> Next(wire::Frame* frame, uint64_t* end_position);

   private:
    friend class Spool;
    Reader(journal::Journal::Reader reader, uint64_t seq) : reader_(std::move(reader)), seq_(seq) {}
    journal::Journal::Reader reader_;
    uint64_t seq_;
  };
  Reader ReadFrom(uint64_t seq);

  // Everything before the position is acknowledged. The last 64 MiB of it stay for a server that was restored from an
  // older copy, and the newest entry stays: it holds the source positions.
  void Release(uint64_t end_position);

 private:
  Spool() = default;
  base::Status LoadIdentity(const std::string& folder);
  base::Status LoadLastEntry();

  std::unique_ptr<journal::Journal> journal_;
  std::string producer_;
  uint32_t epoch_ = 0;
  uint64_t first_seq_ = 1, next_seq_ = 1;
  uint64_t last_entry_begin_ = 0;
  SourcePositions positions_;
};

}  // namespace rankscope::agent
