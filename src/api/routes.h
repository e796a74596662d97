#pragma once

#include <string>

#include "api/http_server.h"
#include "catalog/catalog.h"
#include "query/log_source.h"

namespace rankscope::api {

struct Services {
  query::LogSource* logs;
  catalog::Catalog* catalog;
  std::string version, grpc_address;
  int64_t lost_after_ns;
};

// GET /api/v1/server            {"version", "grpc", "limits": {…}}
// GET /api/v1/query?query=…     NDJSON, streamed
// GET /api/v1/tail?query=…[&last=N]  NDJSON that goes on: the last N matches, then live ones ordered within 100 ms;
//                               blank line as heartbeat every 5 s
// GET /api/v1/jobs              NDJSON of jobs; /api/v1/jobs/JOB one object with "ranks": […]
// GET /healthz
// Doors marshal, they decide nothing. Errors: 400, 404, 413, 500 with {"error": …}.
HttpServer::Handler MakeRoutes(Services services);

}  // namespace rankscope::api
