#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "agent/ship/spool_entry.h"
#include "journal/journal.h"

namespace rankscope::agent {

// Frames on disk until the server has acknowledged them, and the last acknowledged ones a while longer: a server that
// comes back with less than it acknowledged gets them again. Two journals: `frames`, and in front of it `thinned`, to
// which the oldest frames move, without the lines that can best be spared, when there is no room. Beside them the
// producer's identity and its epoch. One thread appends, releases and thins; Readers are for any thread.
class Spool {
 public:
  static constexpr uint64_t kRetainedBytes = 64 << 20;  // of acknowledged frames

  // Bumps the epoch, durably. kUnavailable when another agent has the spool.
  static base::Result<std::unique_ptr<Spool>> Open(const std::string& folder, journal::Recovery* recovery);

  const std::string& producer() const { return producer_; }
  uint32_t epoch() const { return epoch_; }
  uint64_t next_seq() const { return next_seq_; }
  uint64_t first_seq() const;
  const SourcePositions& positions() const { return positions_; }
  uint64_t bytes_on_disk() const { return frames_.journal->bytes_on_disk() + thinned_.journal->bytes_on_disk(); }

  // Numbers the records, writes and syncs the frame. On error (full disk) nothing was taken: try again.
  base::Status Append(std::vector<model::Record>* records, const SourcePositions& positions);

  // The frames of one journal, one by one.
  class TierReader {
   public:
    explicit TierReader(journal::Journal::Reader reader) : reader_(std::move(reader)) {}
    // The next frame that does not end before from_seq. False at the end (call again later).
    base::Result<bool> Take(uint64_t from_seq, wire::Frame* frame);
    void PutBack(wire::Frame frame) { waiting_.push_front(std::move(frame)); }

   private:
    journal::Journal::Reader reader_;
    std::deque<wire::Frame> waiting_;
  };

  // Frames from the one that holds `seq` on, each once.
  class Reader {
   public:
    // False at the end (call again later). A frame that begins later than the one before ended: what lies between is
    // held no longer.
    base::Result<bool> Next(wire::Frame* frame);

   private:
    friend class Spool;
    Reader(journal::Journal::Reader thinned, journal::Journal::Reader frames, uint64_t seq)
        : thinned_(std::move(thinned)), frames_(std::move(frames)), next_seq_(seq) {}

    TierReader thinned_, frames_;
    uint64_t next_seq_;
  };
  Reader ReadFrom(uint64_t seq);

  // Everything up to `acked_seq` is acknowledged: what is past retaining goes. The newest entry stays: it holds the
  // source positions.
  void Release(uint64_t acked_seq);

  // Makes room: lets go of acknowledged frames, then of printed text of the oldest frames, then of the oldest thinned
  // frames. The newest 8 MiB stay whole. False when nothing more can go; kUnavailable: thinned frames cannot be
  // written.
  base::Result<bool> Thin();

 private:
  struct Held {  // an entry of a journal
    uint64_t first_seq, last_seq, begin, end;
  };
  struct Tier {
    std::unique_ptr<journal::Journal> journal;
    std::deque<Held> held;
    void Trim(uint64_t position);
  };

  Spool() = default;
  base::Status LoadIdentity(const std::string& folder);
  base::Status Load(Tier* tier, bool newest);
  bool ReleaseRetained();
  base::Result<bool> ThinOldest();
  base::Status MoveThinned(std::string_view payload);
  void KeepReserve();
  bool DropOldestThinned();

  Tier thinned_, frames_;
  std::string reserve_;  // a file that gives thinning its room on a full disk
  std::string producer_;
  uint32_t epoch_ = 0;
  uint64_t next_seq_ = 1, acked_seq_ = 0;
  SourcePositions positions_;
};

}  // namespace rankscope::agent
