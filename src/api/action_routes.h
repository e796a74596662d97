#pragma once

#include <memory>
#include <string>

#include "api/http_server.h"
#include "diagnose/actions/action_port.h"

namespace rankscope::api {

// The routes of actions: what people want done about a running job, and what comes of it.
class ActionRoutes {
 public:
  ActionRoutes(std::string project, diagnose::ActionPort* actions) : project_(std::move(project)), actions_(actions) {}

  // Body {"action": NAME or "NAME ARGUMENT", "by": WHO, "note": WHY, "hold_s": SECONDS}. Answers its report.
  void Begin(const Request& request, const std::shared_ptr<Responder>& reply, const std::string& job) const;
  // A report a line, newest first.
  void List(const std::shared_ptr<Responder>& reply, const std::string& job) const;
  void Show(const std::shared_ptr<Responder>& reply, const std::string& id) const;

 private:
  const std::string project_;
  diagnose::ActionPort* actions_;
};

}  // namespace rankscope::api
