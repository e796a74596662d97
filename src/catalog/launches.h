#pragma once

#include <functional>
#include <map>
#include <string>

#include "catalog/job_state.h"

namespace rankscope::catalog {

// Names the job of a launch whose nodes know it only by a key that a relaunch has, too: a rendezvous id, the master's
// address and port, a Slurm job. The first launch of key K is job K, those after it are K.2, K.3, …
//
// A member (a place in the launch: "node 1") belongs to the newest launch of its key
//  - while another member of it lives: it is late, or it has come back to an elastic launch;
//  - for kLateness after its start, if the member was not in it yet: the others failed before it came.
// Otherwise a new launch begins. So the nodes of one launch agree in whatever order they come.
//
// A job that the user names stays that job: each launch of it after the first begins with an attempt of its own, above
// all that the job has had.
//
// Not safe for threads. Its memory bridges the seconds until a member's first record; after a restart the jobs tell.
class Launches {
 public:
  static constexpr int64_t kLateness = 600 * base::kNsPerSecond;
  using FindJob = std::function<const JobState*(const std::string& job)>;  // null: there is none

  std::string Join(const std::string& key, const std::string& member, base::TimeNs now, int64_t lost_after,
                   const FindJob& find);
  // The attempt with which the member's launch of a named job begins.
  int32_t FirstAttempt(const std::string& job, const std::string& member, base::TimeNs now, int64_t lost_after,
                       const FindJob& find);
  // The next launch of its name is its first.
  void ForgetJob(const std::string& job);

 private:
  using Members = std::map<std::string, base::TimeNs>;  // when each joined

  bool IsKnown(const std::string& job, const FindJob& find) const;
  bool BelongsTo(const std::string& job, const std::string& member, base::TimeNs now, int64_t lost_after,
                 const JobState* state) const;
  void Forget(base::TimeNs before);

  std::map<std::string, Members> joined_;         // by job
  std::map<std::string, int32_t> first_attempt_;  // of named jobs whose launch has members in joined_
};

}  // namespace rankscope::catalog
