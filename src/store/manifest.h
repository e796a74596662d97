#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::store {

// Which segments live, and the journal position up to which they hold everything: written atomically, so that a crash
// between a segment and its manifest leaves a file that nobody names, and the journal replays its records.
struct Manifest {
  uint64_t journal_position = 0;
  uint64_t next_segment = 1;
  std::vector<std::string> segments;  // paths below the store's folder, in order of arrival

  base::Status Save(const std::string& path) const;
  // An absent file is an empty manifest; a damaged one is kCorrupt.
  static base::Result<Manifest> Load(const std::string& path);
};

}  // namespace rankscope::store
