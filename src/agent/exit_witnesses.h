#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/exit_status.h"
#include "model/record.h"

namespace rankscope::agent {

// Who else knows how a rank ended, where the kernel did not answer (the launcher had reaped the process, on Linux
// before 6.15) and its `rank_exit` event says `exit_source: unknown`: torchelastic's text about the process, and the
// rank's own hook, which told of the uncaught exception that ended it. Otherwise it stays unknown: never a guess.
class ExitWitnesses {
 public:
  // Completes unknown exits among the records. A witness of an exit that has gone out already appends it once more,
  // completed.
  void Resolve(std::vector<model::Record>* records);

 private:
  void Hear(const model::Record& record);
  bool Complete(model::Record* exit) const;

  std::map<std::pair<int32_t, int32_t>, ExitStatus> hooks_;  // by attempt and rank
  std::map<pid_t, ExitStatus> launcher_;
  std::vector<model::Record> unknown_;  // gone out
};

// What a line of torchelastic's log says of a process: "failed (exitcode: -9) local_rank: 2 (pid: 4711) of binary: …".
struct ToldExit {
  pid_t pid;
  ExitStatus status;
};
std::optional<ToldExit> ReadTorchelasticLine(std::string_view text);

}  // namespace rankscope::agent
