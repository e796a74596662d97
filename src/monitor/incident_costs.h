#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/budget.h"
#include "base/status.h"
#include "diagnose/incidents/cost.h"
#include "diagnose/incidents/incident.h"
#include "query/log_source.h"

namespace rankscope::monitor {

// Reckons what incidents take, of the steps that their jobs tell: by tables of the store, never record by record, and
// of an incident that goes on only what came since it was reckoned last. So neither ranks nor hours make it dear. One
// thread, but for Stop.
class IncidentCosts {
 public:
  explicit IncidentCosts(query::LogSource* logs) : logs_(logs) {}  // outlives it

  // Rank-hours until then. Nothing: too few steps are known before it. kUnavailable: it was stopped.
  base::Result<std::optional<double>> RankHours(const diagnose::Incident& incident, base::TimeNs until);
  // What was read for it is not kept any more.
  void Forget(const std::string& incident) { accounts_.erase(incident); }

  // Any thread: what is being read ends at once, and nothing is read any more.
  void Stop() { budget_.Cancel(); }

 private:
  // What was read for an incident.
  struct Account {
    base::TimeNs started = 0;
    std::optional<diagnose::Pace> before;  // nothing: too few steps are known
    base::TimeNs seek_again = 0;           // then it is sought once more at that time, as records come late
    int64_t furthest = 0;
    base::TimeNs read_until = 0;
  };
  base::Result<std::optional<int64_t>> FurthestStep(const diagnose::Incident& incident, base::TimeNs since,
                                                    base::TimeNs until, int64_t beyond);
  base::Result<std::optional<int64_t>> FurthestBefore(const diagnose::Incident& incident);
  base::Result<std::optional<diagnose::Pace>> PaceBefore(const diagnose::Incident& incident);
  base::Status ReadOn(const diagnose::Incident& incident, base::TimeNs until, Account* account);
  base::Result<Account*> AccountOf(const diagnose::Incident& incident, base::TimeNs until);
  base::Status Aggregate(const model::Scan& scan, const model::Aggregation& aggregation, const model::TakeCells& take);

  query::LogSource* const logs_;
  base::Budget budget_;  // without limits, but that it may be cancelled
  std::map<std::string, Account> accounts_;
};

}  // namespace rankscope::monitor
