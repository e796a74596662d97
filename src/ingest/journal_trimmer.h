#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "ingest/fanout.h"
#include "journal/journal.h"

namespace rankscope::ingest {

// Removes journal files that every sink is past. An economy: what fails is tried again at the next look. For the
// committer's thread.
class JournalTrimmer {
 public:
  // `watermarks` gives the journal's entry of all watermarks: it is written, and durable, before a file goes, since
  // they lie in the files. Both references outlive this.
  JournalTrimmer(journal::Journal* journal, const Fanout& fanout, std::function<std::string()> watermarks)
      : journal_(journal), fanout_(fanout), watermarks_(std::move(watermarks)) {}

  // After a commit: looks every 16 MiB of journal, on a full disk each time.
  void AfterCommit(bool disk_full);
  // Once the sinks have everything, nothing of the journal need stay; but it is not rewritten for a few records.
  void WhenIdle();

 private:
  void TrimBefore(uint64_t needed);

  journal::Journal* const journal_;
  const Fanout& fanout_;
  const std::function<std::string()> watermarks_;
  uint64_t considered_at_ = 0, idle_trimmed_at_ = 0;
};

}  // namespace rankscope::ingest
