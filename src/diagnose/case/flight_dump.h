#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace rankscope::diagnose {

// A process group, as one rank knew it.
struct FlightGroup {
  std::string name;            // differs between ranks for groups that not all of them made
  std::string description;     // "default_pg", …
  std::vector<int32_t> ranks;  // global ranks, in the group's order
  // Sequence numbers of the last collective; -1: none yet. Absent: not in the dump.
  std::optional<int64_t> last_enqueued, last_started, last_completed;
};

// One collective or point-to-point operation, as one rank saw it.
struct FlightEntry {
  enum class State : uint8_t { kScheduled, kStarted, kCompleted, kUnknown };

  int64_t record_id = 0;
  size_t group = 0;  // index into FlightDump::groups
  int64_t collective_seq = 0;
  int64_t p2p_seq = 0;
  int64_t op_id = 0;
  bool is_p2p = false;
  std::string operation;  // "nccl:all_reduce", "nccl:send 0->1": ranks within the group
  std::vector<std::vector<int64_t>> input_sizes, output_sizes;
  std::vector<std::string> input_dtypes, output_dtypes;
  State state = State::kUnknown;
  bool retired = false;
  std::optional<base::TimeNs> created, started, completed;
  std::optional<int64_t> timeout_ms;
  std::string where;  // "FILE:LINE FUNCTION" of the innermost Python frame outside of torch; empty: not recorded
};

// A PyTorch flight-recorder dump of one rank: what it had enqueued, started and completed. Dumps of active work only
// leave out what is completed, so no entries at all means that this rank waited for nothing.
struct FlightDump {
  std::string path;
  std::optional<int32_t> rank;  // of the file's name
  std::string version;
  std::vector<FlightGroup> groups;
  std::vector<FlightEntry> entries;  // as dumped: oldest first
};

// Reads a dump, as a pickle (never executed: only plain containers, strings and numbers are taken) or as JSON.
// kInvalid says what and at which byte.
base::Result<FlightDump> ParseFlightDump(std::string_view bytes);

}  // namespace rankscope::diagnose
