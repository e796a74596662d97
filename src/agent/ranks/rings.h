#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/ranks/ring_reader.h"
#include "agent/run_directory.h"
#include "agent/ship/spool.h"

namespace rankscope::agent {

// All metric rings of a run: finds those that processes have made, reads them in turn, and removes each when its
// process has ended and what it said is durable. One thread.
class Rings {
 public:
  // `resume`: the positions of the last durable frame.
  Rings(RunConfig config, SourcePositions resume);

  // The command's process, where it is the run's only one that may be a rank: if no launcher has told it anything and
  // it has a ring, it is rank 0 of a world of one. 0: it is none (any more).
  void SetLoneCommand(pid_t pid) { lone_command_ = pid; }
  bool command_is_a_rank() const;

  // The next Pull looks for new rings, however short ago the last look was.
  void LookAtOnce() { looked_at_ = 0; }

  // Reads what is there, up to `bytes` of pending records. False when there was nothing.
  bool Pull(size_t bytes);
  // No process will log any more, whatever its state: an orphan's ring is closed too.
  void End() { ended_ = true; }

  std::vector<model::Record> Drain();
  size_t pending_bytes() const { return pending_bytes_; }
  // The positions that hold once the drained records are durable.
  SourcePositions positions() const;
  // These positions are durable: their room is free, and rings that are read to their end go.
  void Release(const SourcePositions& durable);
  // Every ring has been read to its end. After End().
  bool done() const;

  void SetLogIntervalSteps(uint32_t steps);

  // The own process of a rank that lives. Valid until the next call of a method that is not const.
  struct LiveRank {
    model::Origin origin;
    const RingReader* ring;
  };
  // By rank; of two processes that say they are the same, the later one.
  std::map<int32_t, LiveRank> LiveRanks() const;

 private:
  struct Ring {
    std::unique_ptr<RingReader> reader;
    uint64_t dropped_said = 0;
    bool finished = false;
  };

  void Look();
  void Add(const std::string& name);
  bool IsLoneRank(const RingReader& reader) const;
  model::Origin OriginOf(const RingReader& reader) const;
  bool PullOne(const std::string& name, Ring* ring, size_t bytes);
  void Finish(Ring* ring);
  void Remove(const std::string& name, pid_t pid) const;
  void SayDropped(Ring* ring);
  void Warn(const model::Origin& origin, model::Record event);
  void Push(model::Record record);
  uint64_t Resumed(const std::string& source) const;

  const RunConfig config_;
  const SourcePositions resume_;
  std::map<std::string, Ring> rings_;
  std::map<std::string, bool> unreadable_;
  std::vector<model::Record> pending_;
  size_t pending_bytes_ = 0;
  int64_t looked_at_ = 0;
  uint32_t log_interval_steps_ = 0;  // 0: as each process chose
  pid_t lone_command_ = 0;
  bool ended_ = false;
};

}  // namespace rankscope::agent
