#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"

namespace rankscope::agent {

// A run directory of this host with something in it that no server has acknowledged.
struct UnsentSpool {
  std::string directory, job, server;  // server: HTTP HOST:PORT
  enum class Keeper : uint8_t {
    kRun,     // the run goes on, and sends
    kAgent,   // the run has ended; its agent goes on trying
    kNobody,  // keeper and agent are dead
  } kept_by = Keeper::kNobody;
  int agent = 0;           // its pid; 0: there is none
  uint64_t records = 0;    // in the spool; what a dead agent had not read yet is not counted
  uint64_t bytes = 0;      // on disk, what is acknowledged and not yet removed too
  base::TimeNs since = 0;  // the begin of the run: nothing in it is older
};

// Those below `folder`, oldest first. Reads what others write: figures are of about now.
std::vector<UnsentSpool> UnsentSpools(const std::string& folder, const std::string& host);

}  // namespace rankscope::agent
