#pragma once

#include <cstdint>
#include <functional>
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
// saved. One thread.
class IncidentDesk {
 public:
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

  // Adds what changed since the last call.
  void Drain(catalog::Findings::Changes* changes);

 private:
  base::Status Know(const std::string& job);

  const Parts parts_;
  std::vector<diagnose::Incident> versions_;  // that are to be saved
  diagnose::IncidentBook book_;
};

}  // namespace rankscope::monitor
