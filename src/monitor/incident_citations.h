#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "catalog/incidents.h"
#include "store/retention.h"

namespace rankscope::monitor {

// The records that incidents cite, but for dismissed ones: of each from its beginning to the last line of its evidence.
// An incident is read again only when it has changed. Thread-compatible.
class IncidentCitations {
 public:
  explicit IncidentCitations(const catalog::Incidents* incidents) : incidents_(incidents) {}

  // As they are now, by job.
  base::Result<std::map<std::string, std::vector<store::Citation>>> Look();
  // Its incidents are no more.
  void ForgetJob(const std::string& job) { jobs_.erase(job); }

 private:
  void Take(const catalog::IncidentRow& row);

  const catalog::Incidents* incidents_;
  uint64_t seen_ = 0;                                                   // the last change that is known
  std::map<std::string, std::map<std::string, store::Citation>> jobs_;  // of each, by incident
};

}  // namespace rankscope::monitor
