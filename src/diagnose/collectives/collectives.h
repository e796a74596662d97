#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// What one rank is known to have done in the collectives of one process group.
struct CollectiveState {
  std::optional<int64_t> sequence;             // of the operation that did not end
  std::optional<int64_t> enqueued, completed;  // last ones
  std::string operation;                       // "ALLREDUCE", with sizes: what it waited in
  std::optional<base::TimeNs> began_waiting;   // the report's time less "ran for N milliseconds"
  std::optional<int64_t> ran_for_ms;
  size_t line = 0;  // that told most
};

// Who waited in which collective, from watchdogs' reports and NCCL's trace.
struct Collectives {
  std::map<int32_t, CollectiveState> ranks;
  std::optional<int32_t> world_size;  // the most that any line claims
  int32_t highest_named = -1;         // rank that a peer tells of
  struct Issue {
    std::string operation;  // with its sizes and type
    size_t line = 0;
  };
  std::map<int64_t, std::map<int32_t, Issue>> issued;  // by sequence number and rank
  std::map<int32_t, int> missing;                      // by rank: how many waits name it
};
Collectives FindCollectives(const Reading& reading);

// The ranks that kept the others waiting, most certain first, and the reason, by flight-recorder dumps, else by the
// reports; empty: they do not tell.
struct LateRanks {
  static constexpr size_t kNoLine = static_cast<size_t>(-1);

  std::vector<int32_t> ranks;
  bool mismatch = false;  // they issued something else
  std::string why;
  size_t line = 0;  // that shows it; kNoLine: dumps do
};
LateRanks FindLateRanks(const Reading& reading, const Collectives& collectives);

}  // namespace rankscope::diagnose
