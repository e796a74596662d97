#pragma once

#include <memory>
#include <string>

#include "api/http_server.h"
#include "api/incident_control.h"
#include "catalog/findings.h"

namespace rankscope::api {

// The routes of findings: what detection found in the project's jobs, and what people decide about it.
class FindingRoutes {
 public:
  FindingRoutes(catalog::Findings* findings, IncidentControl* control) : findings_(findings), control_(control) {}

  // job_id=, incident_id=, state=, rule=, class=, severity=, limit=N: newest first, a line a finding.
  void List(const Request& request, const std::shared_ptr<Responder>& reply) const;
  // Body {"by": WHO, "note": WHY}; `state`: confirmed or dismissed. Answers the finding.
  void Decide(const Request& request, const std::shared_ptr<Responder>& reply, const std::string& id,
              const std::string& state) const;

 private:
  catalog::Findings* findings_;
  IncidentControl* control_;
};

}  // namespace rankscope::api
