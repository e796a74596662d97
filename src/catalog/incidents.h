#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/sqlite.h"
#include "base/status.h"

namespace rankscope::catalog {

// One incident: what is asked for, and all of it as JSON.
struct IncidentRow {
  int64_t place = 0;  // in the order in which they were opened, as List gives it
  std::string id, job;
  std::string state;     // potential | confirmed | dismissed | resolved
  std::string decision;  // what a person said: potential (nobody yet) | confirmed | dismissed
  std::string severity;  // INFO | WARNING | CRITICAL
  std::string rule, incident_class;
  std::string superseded_by;  // another one's id
  base::TimeNs started = 0;
  base::TimeNs acknowledged_until = 0;  // 0: not acknowledged, or not until a time
  double rank_hours = 0;                // what it took
  std::string json;
};

// Empty: all.
struct IncidentFilter {
  std::string id, job, state, severity, incident_class, rule;
  std::optional<bool> open;    // potential or confirmed
  uint64_t changed_after = 0;  // a change number
  int64_t before = 0;          // opened before the one with this place; 0: all
  int64_t limit = -1;          // so many of the newest; negative: no limit
};

// What the job is marked with, by the worst that is known of it: "potential" or "confirmed".
void AddMark(const std::string& job, bool confirmed, std::map<std::string, std::string>* marks);

// What came of a rule's findings.
struct RuleStats {
  std::string rule;
  int64_t fired = 0;                     // findings
  int64_t confirmed = 0, dismissed = 0;  // of them; what was said of an incident counts for each of its findings
  int64_t incidents = 0;                 // that it leads
  double rank_hours = 0;                 // what those took
};

// The incidents of a project, and those of their versions that somebody who listens has not heard of: part of the file
// of Findings, with whose lock it is called. Any thread, but for the methods that say otherwise.
class Incidents {
 public:
  Incidents(base::Sqlite* file, std::mutex* mutex) : file_(file), mutex_(mutex) {}
  base::Status CreateTables();

  // Newest first.
  base::Result<std::vector<IncidentRow>> List(const IncidentFilter& filter) const;
  base::Result<IncidentRow> Get(const std::string& id) const;  // kNotFound
  // Ids of active findings of the job, and the incident of each.
  base::Result<std::vector<std::pair<std::string, std::string>>> ActiveFindings(const std::string& job) const;
  // Ids and jobs of those whose acknowledgement is to end by then.
  base::Result<std::vector<std::pair<std::string, std::string>>> AcknowledgedUntil(base::TimeNs now) const;
  base::Result<std::vector<RuleStats>> Stats() const;
  // How many of the incident's findings a person has decided so, and all of them.
  struct Decided {
    int64_t confirmed = 0, dismissed = 0, findings = 0;
  };
  base::Result<Decided> DecidedFindings(const std::string& id) const;
  // Grows with each change of any incident: to see whether something is new.
  uint64_t last_change() const;

  // What a listener has not said that it has, oldest first; one that was never told gets the open ones as they are.
  // `upto` is what it says then.
  struct News {
    struct Version {
      std::string name;  // where it lies in the file, for people
      std::string json;
    };
    std::vector<Version> versions;
    uint64_t upto = 0;
  };
  base::Result<News> NewsFor(const std::string& listener, int64_t limit) const;
  // Durable when it returns. What all `listeners` have is forgotten.
  base::Status NoteTold(const std::string& listener, uint64_t upto);
  // Those that no longer listen keep nothing.
  base::Status SetListeners(const std::vector<std::string>& names);

  // A copy of what was around it, as JSON; empty: there is none yet.
  base::Result<std::string> EvidenceOf(const std::string& id) const;
  base::Status SaveEvidence(const std::string& id, const std::string& job, const std::string& json);
  // Incidents without such a copy, oldest first.
  base::Result<std::vector<IncidentRow>> WithoutEvidence(int64_t limit) const;

  // REQUIRES the lock and a transaction.
  base::Status Write(const std::vector<IncidentRow>& rows);
  base::Status WriteVersions(const std::vector<IncidentRow>& versions);
  base::Status DeleteJob(const std::string& job);
  base::Status ReadMarks(std::map<std::string, std::string>* marks) const;

 private:
  base::Sqlite* file_;
  std::mutex* mutex_;
};

}  // namespace rankscope::catalog
