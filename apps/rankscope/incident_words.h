#pragma once

#include <string>

#include "api/incident_control.h"
#include "monitor/detection.h"

namespace rankscope {

// What people say of incidents goes to the one who judges. Any thread.
class IncidentWords : public api::IncidentControl {
 public:
  explicit IncidentWords(monitor::Detection* detection) : detection_(detection) {}

  base::Result<std::string> Say(const std::string& incident, const api::IncidentNote& note) override;
  base::Result<catalog::FindingRow> Decide(const std::string& finding, const catalog::Decision& decision) override;

 private:
  monitor::Detection* detection_;
};

}  // namespace rankscope
