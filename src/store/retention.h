#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"

namespace rankscope::store {

// How long and how much a store keeps, at most.
struct Retention {
  std::optional<int64_t> max_age_ns = std::nullopt;  // since the newest record of a segment, by the records' own times
  std::optional<uint64_t> max_bytes = std::nullopt;  // of segments
};

// Records of a job that something points at: an incident cites its evidence.
struct Citation {
  base::TimeNs since = 0, until = 0;  // both included
};

// What retention leaves alone.
struct Kept {
  std::set<std::string> pinned = {};                            // jobs
  std::set<std::string> running = {};                           // jobs, whose newest segment stays
  std::map<std::string, std::vector<Citation>> citations = {};  // by job
};

struct StoredSegment {
  std::string name, job;
  uint64_t bytes = 0, records = 0;
  base::TimeNs min_time = 0, max_time = 0;
};

// Which of the segments, in any order, go, oldest first: those that are too old, then more until what is left is little
// enough. Segments go whole.
std::vector<StoredSegment> ChooseExpired(std::vector<StoredSegment> segments, const Retention& retention,
                                         const Kept& kept, base::TimeNs now);

}  // namespace rankscope::store
