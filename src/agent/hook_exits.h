#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "model/record.h"

namespace rankscope::agent {

// The last source of a rank's exit code: its hook's own word. Where the kernel did not answer (the launcher had reaped
// the process, on Linux before 6.15), a `rank_exit` event says `exit_source: unknown`; when the rank's hook told of the
// uncaught exception that ended it, that is what it ended with. Otherwise it stays unknown: never a guess.
class HookExits {
 public:
  // Remembers `uncaught_exception` events and completes the unknown `rank_exit` events, in order.
  void Resolve(std::vector<model::Record>* records);

 private:
  void Complete(model::Record* exit) const;

  std::map<std::pair<int32_t, int32_t>, int64_t> codes_;  // (attempt, rank)
};

}  // namespace rankscope::agent
