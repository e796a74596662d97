#pragma once

#include <memory>
#include <string>

#include "api/http_server.h"
#include "api/incident_control.h"
#include "api/incident_tail.h"
#include "catalog/incidents.h"

namespace rankscope::api {

// The routes of incidents: what became of the project's findings, what people say of it, and how rules did.
class IncidentRoutes {
 public:
  IncidentRoutes(catalog::Incidents* incidents, IncidentControl* control)
      : incidents_(incidents), control_(control), tail_(incidents) {}

  // job_id=, state=potential|confirmed|dismissed|resolved|open, severity=, class=, rule=, limit=N: newest first, a line
  // an incident. Who accepts text/event-stream gets them oldest first, and then each again when it changes.
  void List(const Request& request, const std::shared_ptr<Responder>& reply);
  // With what was around it, as `around`; null: that is not copied yet.
  void Get(const std::shared_ptr<Responder>& reply, const std::string& id) const;
  // Body {"by": WHO, "note": WHY}; for=2h of an acknowledgement. Answers the incident.
  void Say(const Request& request, const std::shared_ptr<Responder>& reply, const std::string& id,
           IncidentAct act) const;
  // A line a rule.
  void Stats(const std::shared_ptr<Responder>& reply) const;

 private:
  catalog::Incidents* incidents_;
  IncidentControl* control_;
  IncidentTail tail_;
};

}  // namespace rankscope::api
