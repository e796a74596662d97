#pragma once

#include <functional>
#include <string>

#include "api/http_server.h"
#include "catalog/catalog.h"
#include "query/log_source.h"

namespace rankscope::api {

struct Services {
  query::LogSource* logs;  // of the one project
  catalog::Catalog* catalog;
  std::string project, version, grpc_address;
  int64_t lost_after_ns;
  // Tells the agents of a running job to log every so many steps; returns how many there are.
  std::function<int(const std::string& project, const std::string& job, uint32_t steps)> set_log_interval_steps;
};

// GET /api/v1/server            {"version", "grpc", "time_ns", "limits": {…}}
// GET /api/v1/query?query=…     NDJSON, streamed
// GET /api/v1/tail?query=…[&last=N]  NDJSON that goes on: the last N matches, then live ones ordered within 100 ms;
//                               blank line as heartbeat every 5 s
// GET /api/v1/jobs              NDJSON of jobs; /api/v1/jobs/JOB one object with "ranks": […]
// POST /api/v1/jobs/JOB/settings   {"log_interval_steps": N}; answers {"agents": n}; 404 when none is connected
// POST /api/v1/launches         {"key": K, "member": M}; answers {"job_id": J}: the same for the members of one launch
// GET /healthz
// Each also takes project=P: RequireAccess (authentication.h) has put the request where it belongs.
// Doors marshal, they decide nothing. Errors: 400, 404, 413, 500 with {"error": …}.
HttpServer::Handler MakeRoutes(const Services& services);

}  // namespace rankscope::api
