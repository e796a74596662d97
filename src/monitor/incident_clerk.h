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
// each one, some seconds after it was opened, and reckons what it takes. One thread of its own.
class IncidentClerk {
 public:
  struct Parts {  // the pointers outlive it
    std::string project;
    catalog::Incidents* incidents;
    store::Store* store;
    Detection* detection;                                          // is told the cost
    std::function<base::TimeNs(const std::string& job)> lives_to;  // now, of a running job; else its last word
    std::optional<double> gpu_hour_price;
  };
  explicit IncidentClerk(Parts parts);
  ~IncidentClerk();

 private:
  void Loop();
  void CopyEvidence();
  void Reckon();
  base::Result<double> RankHours(const diagnose::Incident& incident) const;

  const Parts parts_;
  std::map<std::string, int64_t> seen_;  // incidents without a copy, and since when
  uint64_t reckoned_ = 0;                // a change number: resolved ones up to it have their cost
  std::mutex mutex_;                     // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rankscope::monitor
