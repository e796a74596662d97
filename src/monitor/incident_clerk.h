#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "catalog/incidents.h"
#include "diagnose/incidents/incident.h"
#include "monitor/detection.h"
#include "store/store.h"

namespace rankscope::monitor {

// Reads the store for incidents, so that nobody who judges waits for it: keeps a copy of the lines and numbers around
// each one, some seconds after it was opened, reckons what it takes, and resolves what is left open of jobs that are
// over. One thread of its own.
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
    Detection* detection;
    std::function<JobLife(const std::string& job)> life;
    std::optional<double> gpu_hour_price;
  };
  explicit IncidentClerk(Parts parts);
  ~IncidentClerk();

 private:
  void Loop();
  void CopyEvidence();
  void LookAfterAll();
  void LookAfter(const diagnose::Incident& incident);
  base::Result<double> RankHours(const diagnose::Incident& incident, base::TimeNs until) const;

  const Parts parts_;
  std::map<std::string, int64_t> seen_;  // incidents without a copy, and since when
  uint64_t reckoned_ = 0;                // a change number: resolved ones up to it have their cost
  std::mutex mutex_;                     // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rankscope::monitor
