#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "catalog/incidents.h"
#include "diagnose/incidents/incident.h"
#include "monitor/detection.h"
#include "monitor/incident_costs.h"
#include "store/store.h"

namespace rankscope::monitor {

// Reads the store for incidents, so that nobody who judges waits for it: keeps a copy of the lines and numbers around
// each one, some seconds after it was opened, reckons what it takes, and resolves what is left open of jobs that are
// over. However many there are, each has its turn, and a turn is short. One thread of its own.
class IncidentClerk {
 public:
  struct JobLife {
    base::TimeNs until = 0;  // now, of a running job; else its last word
    bool over = false;       // for so long that the same trouble would be another incident
  };
  struct Parts {  // the pointers outlive it
    std::string project;
    catalog::Incidents* incidents;
    store::Store* store;
    query::LogSource* logs;  // of the same records
    Detection* detection;
    std::function<JobLife(const std::string& job)> life;
    std::optional<double> gpu_hour_price;
    int64_t walk_every_ns = 15 * base::kNsPerSecond;  // from the beginning of one look at all costs to the next
  };
  explicit IncidentClerk(Parts parts);
  ~IncidentClerk();  // what it reads is given up

 private:
  // Over the incidents that go on, and then those that have changed since the last walk and do not; newest first.
  struct Walk {
    int64_t began = 0;  // by the monotonic clock; 0: never
    bool over = true;
    bool closed = false;  // those that go on are done
    int64_t before = 0;   // the place of the last one that was looked at; 0: none yet
    uint64_t change = 0;  // the change number when it began
  };
  void Loop();
  void CopyEvidence();
  void WalkOn();
  catalog::IncidentFilter PageAhead() const;
  bool IsTime(int64_t turn_began) const;
  void Owe(const std::string& id);
  void RetryOwed(int64_t turn_began);
  base::Status LookAfter(const catalog::IncidentRow& row);
  base::Status Reckon(const diagnose::Incident& incident, base::TimeNs until);

  const Parts parts_;
  std::map<std::string, int64_t> seen_;  // incidents without a copy, and since when
  IncidentCosts costs_;
  Walk walk_;
  uint64_t reckoned_;             // a change number: those that do not go on have their cost up to it
  std::deque<std::string> owed_;  // those that do not go on and could not be reckoned: tried once a walk
  std::mutex mutex_;              // of wake_
  std::condition_variable wake_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace rankscope::monitor
