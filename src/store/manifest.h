#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"

namespace rankscope::store {

// How far the records of the journal are in segments.
struct SealedUpTo {
  uint64_t position = 0;                   // of the journal, for every job but these:
  std::map<std::string, uint64_t> behind;  // whose records could not be written from there on

  // Before it nothing is needed of the journal.
  uint64_t needed_from() const;
  bool Has(const std::string& job, uint64_t end_position) const;
  // When everything that was appended up to `end_position` is written, but for those jobs' records.
  SealedUpTo Then(uint64_t end_position, const std::map<std::string, base::Status>& failed) const;
};

// Which segments live, and up to which journal position they hold everything: written atomically, so that a crash
// between a segment and its manifest leaves a file that nobody names, and the journal replays its records.
struct Manifest {
  SealedUpTo sealed;
  uint64_t next_segment = 1;
  std::vector<std::string> segments;  // paths below the store's folder, in order of arrival

  base::Status Save(const std::string& path) const;
  // An absent file is an empty manifest; a damaged one is kCorrupt.
  static base::Result<Manifest> Load(const std::string& path);
};

}  // namespace rankscope::store
