#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/capture.h"
#include "agent/run_directory.h"
#include "agent/ship/spool.h"
#include "parse/line_assembler.h"

namespace rankscope::agent {

// From what the keeper captured to records: assembles lines per channel, redacts, parses metric lines, adds the last
// lines of a rank to its exit event. One thread. No I/O: capture entries go in, records and positions come out.
class Collector {
 public:
  // `resume`: the positions of the last durable frame; what lies before them is skipped.
  Collector(RunConfig config, SourcePositions resume);

  void Take(const CaptureEntry& entry);
  // A record of the agent's own: a sample.
  void Add(model::Record record);
  // Lets go of progress bars and tracebacks that have waited long enough.
  void Tick(base::TimeNs now);

  // The command's process, as long as no rank is seen whom a launcher told so. nullopt: the run has not begun yet.
  std::optional<pid_t> lone_command() const { return other_ranks_ ? pid_t{0} : command_; }
  // It is rank 0 of a world of one: its start is told, once a run, its lines are the rank's from now on, and the
  // command's end is the rank's.
  void TakeCommandForARank();
  // What it logged is to be looked at before this entry is taken: it ends, or what it printed since that was looked at
  // may be a rank's by now.
  bool WantsRings(const CaptureEntry& entry, base::TimeNs looked_at) const;

  // What has been made since the last Drain. `bytes` is its rough size.
  std::vector<model::Record> Drain();
  size_t pending_bytes() const { return pending_bytes_; }
  // The positions that hold once the drained records are durable: of a channel, what lies before is out, and so are
  // spans behind it, which are others' lines amid a traceback that is held.
  SourcePositions positions() const;
  // How many of the keeper's own records positions cover.
  static uint64_t KeeperRecords(const SourcePositions& positions);
  // Command and ranks have ended; what outlives them may still print.
  bool node_ended() const { return node_ended_ || ended_; }
  bool ended() const { return ended_; }

 private:
  struct LastLine {
    base::TimeNs time;
    std::string text;
  };
  struct ChannelState {
    Channel channel;
    parse::LineAssembler assembler;
    std::deque<parse::Span> out;  // what earlier frames hold of what is yet to be taken, in order
    base::TimeNs last_time = 0;
    std::deque<LastLine> last_lines;
  };

  void TakeChannel(const CaptureChannel& channel);
  void TakeBytes(const CaptureBytes& bytes);
  void TakeRecord(const CaptureRecord& captured);
  void EndCommandsRank(model::Record end);
  static std::deque<parse::Span> OutOf(const ChannelState& state);
  model::Origin OriginOf(const ChannelState& state) const;
  void Emit(ChannelState* state, parse::Line line);
  void Push(model::Record record);
  void AddTail(model::Record* exit);

  static constexpr size_t kTailLines = 20;
  static constexpr size_t kTailLineBytes = 2048;  // a longer line's end is cut off
  const RunConfig config_;
  const SourcePositions resume_;
  std::map<uint32_t, ChannelState> channels_;
  std::vector<model::Record> pending_;
  size_t pending_bytes_ = 0;
  uint64_t record_index_;
  std::optional<pid_t> command_;
  bool command_is_a_rank_ = false, other_ranks_ = false;
  bool node_ended_ = false, ended_ = false;
};

}  // namespace rankscope::agent
