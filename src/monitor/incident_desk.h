#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "catalog/findings.h"
#include "diagnose/incidents/incident_book.h"

namespace rankscope::monitor {

// What a person says of an incident.
struct IncidentWord {
  enum class Act : uint8_t { kAcknowledge, kConfirm, kDismiss, kResolve };
  Act act = Act::kAcknowledge;
  std::string by, note;
  base::TimeNs until = 0;  // of an acknowledgement; 0: no time
};

// The incidents of one project: the book, what the catalog has of each job that comes to it, and what of it is to be
// saved. What it knows of a job it reads again when that is forgotten. One thread.
class IncidentDesk {
 public:
  static constexpr size_t kMostJobs = 1'000;  // that are known at once
  static constexpr int64_t kQuiet = 3600 * base::kNsPerSecond;

  struct Parts {  // the pointers outlive it
    std::string project;
    catalog::Findings* findings;
    std::function<int64_t(const std::string& job)> world_size;  // 0: not known
    std::function<void(const std::string&)> say;
  };
  explicit IncidentDesk(Parts parts);

  // The id of the finding's incident, which stays "" for one that is over and whose begin nobody knows.
  std::string Take(const detect::Finding& finding);
  // REQUIRES that what was taken is saved. kNotFound, kInvalid.
  base::Result<diagnose::Incident> Say(const std::string& id, const IncidentWord& word, base::TimeNs now);
  // All of the job that are open are over.
  base::Status ResolveAll(const std::string& job, const std::string& note, base::TimeNs now);
  void EndAcknowledgements(base::TimeNs now);
  // What the trouble took; of an incident that nobody knows any more, nothing happens.
  void SetCost(const std::string& job, const std::string& id, const diagnose::IncidentCost& cost);
  // Frees what is known of the job.
  void Forget(const std::string& job);
  // Likewise of jobs that nothing was asked of for an hour and, while there are too many, of those that nothing was
  // asked of for longest. REQUIRES that what was taken is drained and saved. `now` by the monotonic clock.
  void ForgetUnused(int64_t now);
  size_t jobs() const { return used_.size(); }

  // Adds what changed since the last call.
  void Drain(catalog::Findings::Changes* changes);

 private:
  base::Status Know(const std::string& job);

  const Parts parts_;
  std::vector<diagnose::Incident> versions_;  // that are to be saved
  diagnose::IncidentBook book_;
  std::map<std::string, int64_t> used_;  // jobs, and when each was last asked for, by the monotonic clock
};

}  // namespace rankscope::monitor
