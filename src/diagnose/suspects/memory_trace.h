#pragma once

#include <optional>
#include <string>
#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// The figures of an out-of-memory report, in GiB.
struct MemoryReport {
  std::optional<double> requested, total, free, in_use, allocated, unallocated;
};
MemoryReport ReadMemoryReport(std::string_view text);

// Why the memory did not suffice, from the report, the lines around it and the metrics.
struct MemoryTrace {
  // fragmentation, other process, one extreme sample, batch size too large, leak, model too large, evaluation; or empty
  std::string kind;
  std::vector<std::string> figures;  // sentences with numbers, of what came after it, too
  std::vector<size_t> lines;         // that show the batch in flight
  std::string would_settle;          // which rows it had; empty: they are told, or more is missing
};
MemoryTrace TraceMemory(const Reading& reading, const Suspect& cause);

}  // namespace rankscope::diagnose
