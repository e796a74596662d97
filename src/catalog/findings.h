#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/sqlite.h"
#include "base/status.h"
#include "catalog/incidents.h"
#include "catalog/wanted_actions.h"
#include "model/record.h"

namespace rankscope::catalog {

// What a person said of a finding itself, or that nobody has yet.
struct Decision {
  std::string state = "potential";  // | confirmed | dismissed
  std::string by, note;             // who, why
  base::TimeNs at = 0;
};

// One finding of detection: what is asked for, and all of it as JSON, in which `active`, `state` and `incident_id` are
// what they were when it was written: those here count.
struct FindingRow {
  std::string id, job, rule, finding_class;
  std::string severity;  // INFO | WARNING | CRITICAL
  int32_t attempt = 0;
  std::optional<int32_t> node_rank, rank;
  bool active = true;
  base::TimeNs began = 0;
  std::string json;
  Decision decision;
  std::string incident;  // its id; empty: there was none for it
  // As List gives it: the decision about itself, or else about its incident; `resolved` of an undecided one whose
  // incident is.
  std::string state = "potential";
};

// Empty: all.
struct FindingFilter {
  std::string job, state, rule, finding_class, severity, incident;
  std::optional<bool> active;
  int64_t limit = -1;  // so many of the newest; negative: no limit
};

// The findings of a project, the incidents that they make, what people decided about them, and how far in the journal
// they are of: in SQLite (FOLDER/findings.sqlite). Beside them an outbox: records that tell of them and are still to be
// written into the jobs' own streams, each with a number, so that whoever writes them can do so exactly once. Any
// thread.
class Findings {
 public:
  static base::Result<std::unique_ptr<Findings>> Open(const std::string& folder, const std::string& project);

  struct Changes {
    std::vector<FindingRow> findings;    // new, or to replace what is known of them but for the decision; the incident
                                         // stays where none is given
    std::vector<IncidentRow> incidents;  // new, or in the place of what is known of them
    std::vector<IncidentRow> versions;   // for whoever listens, oldest first
    std::vector<model::Record> events;   // get the next numbers
    std::vector<WantedAction> actions;   // that the findings' rules want, which are then to be begun
    std::string concluded;               // a finding: what it wanted done has come to an outcome
    std::optional<WantedAction> let_go;  // may be wanted anew
    std::optional<uint64_t> position;    // in the journal
    uint64_t written = 0;                // events up to this number leave the outbox
  };
  // All or nothing; durable when it returns.
  base::Status Save(const Changes& changes);
  // Of the last Save; none: there was no position yet.
  std::optional<uint64_t> position() const;

  bool Has(const std::string& id) const;
  // Newest first.
  base::Result<std::vector<FindingRow>> List(const FindingFilter& filter) const;
  // The later decision replaces the earlier one; a record of it goes to the outbox. kNotFound.
  base::Result<FindingRow> Decide(const std::string& id, const Decision& decision);
  // "confirmed" or "potential" by job: of those that have an incident worth an alarm that was not dismissed.
  base::Result<std::map<std::string, std::string>> Marks() const;
  // With its incidents.
  base::Status DeleteJob(const std::string& job);

  Incidents* incidents() { return &incidents_; }
  WantedActions* wanted_actions() { return &wanted_actions_; }

  // What is in the outbox with a greater number, oldest first, at most `limit`; seq is the number.
  base::Result<std::vector<model::Record>> EventsAfter(uint64_t number, size_t limit) const;
  // The number given last.
  uint64_t last_number() const;
  // Later numbers are greater: somebody else already wrote so many.
  void SkipNumbers(uint64_t to);

 private:
  Findings(std::unique_ptr<base::Sqlite> file, std::string project);
  base::Status CreateTables();
  base::Status Load();
  base::Status Write(const Changes& changes);
  base::Status WriteFindings(const std::vector<FindingRow>& rows);
  base::Status WriteEvents(const std::vector<model::Record>& events);
  base::Status SetCounter(int id, uint64_t value);

  const std::string project_;
  mutable std::mutex mutex_;  // guards what follows
  const std::unique_ptr<base::Sqlite> file_;
  Incidents incidents_;
  WantedActions wanted_actions_;
  std::optional<uint64_t> position_;
  uint64_t last_number_ = 0;
};

}  // namespace rankscope::catalog
