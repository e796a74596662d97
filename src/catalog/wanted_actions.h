#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/sqlite.h"
#include "base/status.h"

namespace rankscope::catalog {

// What rules want done about a job, once for all findings that want it within a minute.
struct WantedAction {
  std::string job, action;  // "pause_job", "set_level DEBUG"
  // Of the first finding that wanted it.
  std::string finding, rule, incident;
  std::optional<int32_t> rank;
  base::TimeNs begun = 0;  // 0: not yet
  bool concluded = false;  // it has come to an outcome, which is told
  int64_t further = 0;     // findings that wanted the same meanwhile
};

// The actions that rules want, from the moment of the finding until a minute after they were begun: part of the file of
// Findings, with whose lock it is called. Any thread, but for the methods that say otherwise.
class WantedActions {
 public:
  WantedActions(base::Sqlite* file, std::mutex* mutex) : file_(file), mutex_(mutex) {}
  base::Status CreateTables();

  // Oldest first.
  base::Result<std::vector<WantedAction>> List() const;
  // Durable when it returns; of one that is not there, nothing happens.
  base::Status MarkBegun(const WantedAction& wanted, base::TimeNs at);

  // REQUIRES the lock, within a transaction. One that is there already is wanted once more.
  base::Status Write(const std::vector<WantedAction>& wanted);
  base::Status MarkConcluded(const std::string& finding);
  // Of one that is not there, nothing happens.
  base::Status Remove(const WantedAction& wanted);
  base::Status DeleteJob(const std::string& job);

 private:
  base::Sqlite* file_;
  std::mutex* mutex_;
};

}  // namespace rankscope::catalog
