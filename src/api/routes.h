#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "api/http_server.h"
#include "api/incident_control.h"
#include "api/job_control.h"
#include "api/server_metrics.h"
#include "catalog/catalog.h"
#include "catalog/findings.h"
#include "diagnose/actions/action_port.h"
#include "diagnose/knowledge/knowledge_base.h"
#include "notify/live_notifier.h"
#include "query/log_source.h"

namespace rankscope::api {

struct Services {
  query::LogSource* logs;  // of the one project
  catalog::Catalog* catalog;
  catalog::Findings* findings;
  JobControl* jobs;
  diagnose::KnowledgeBase* knowledge;
  IncidentControl* incidents;
  diagnose::ActionPort* actions;
  std::string project, version, grpc_address;
  int64_t lost_after_ns;
  base::Budget::Limits query_limits;  // of each query
  std::shared_ptr<ServerMetrics> metrics;
  notify::LiveNotifier* notifier;  // null: the server tells nobody
  // Whether records of every project are taken and written.
  std::function<bool()> takes_records;
  // Tells the agents of a running job to log every so many steps; returns how many there are.
  std::function<int(const std::string& project, const std::string& job, uint32_t steps)> set_log_interval_steps;
};

// The routes, their parameters and answers are described by docs/openapi.yaml, which tests hold against the server.
// Each also takes project=P: RequireAccess (authentication.h) has put the request where it belongs. Doors marshal, they
// decide nothing. Errors: 400, 404, 413, 500, 503 with {"error": …}.
HttpServer::Handler MakeRoutes(const Services& services);

// Method and path of every route.
std::vector<std::pair<std::string, std::string>> ListRoutes();

// What agents and launches ask before they can begin, and what supervisors ask: answered from memory. For
// HttpServer::Options::is_short.
bool IsShort(const Request& request);

}  // namespace rankscope::api
