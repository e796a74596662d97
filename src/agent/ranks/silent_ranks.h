#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/launch.h"
#include "base/file.h"
#include "model/record.h"

namespace rankscope::agent {

// A rank on this node whose output has no channel of its own: it is not Python, or Python with -I or -S, and prints
// into its launcher's pipe. Its lines have no rank.
struct SilentRank {
  pid_t pid = 0;
  Identity identity;
  std::string rings;    // RANKSCOPE_RINGS: by which its run is known
  std::string program;  // the first word of its command line
};

// All that /proc shows to this user. A Python rank looks like one for the moment before its bootstrap has run.
std::vector<SilentRank> FindSilentRanks();

// Follows the silent ranks of one run: an event `rank_start` (source "exit only") for each that is seen at two looks,
// and `rank_exit` at its end. One thread.
class SilentRankWatch {
 public:
  explicit SilentRankWatch(std::string rings) : rings_(std::move(rings)) {}

  // Looks each half second, so that what lives a second is seen twice; each second where a look costs more than 5 ms.
  // Returns the events that are due.
  std::vector<model::Record> Look(int64_t monotonic_now);
  // An event of the keeper's. Whose start it tells has a channel, however late it came to ask for that.
  void Hear(const model::Record& event);
  // The ends of those that have ended.
  std::vector<model::Record> Ends();

 private:
  struct Watched {
    SilentRank rank;
    base::UniqueFd pidfd;  // from the first look on; invalid: it was gone already
    bool told = false;     // else seen once
    bool Ended() const;
  };
  static model::Record Start(const SilentRank& rank);

  const std::string rings_;
  int64_t next_look_ = 0;  // monotonic
  std::map<pid_t, Watched> watched_;
  std::set<pid_t> heard_;  // of whom the keeper tells
};

}  // namespace rankscope::agent
