#pragma once

#include <functional>
#include <string>

#include "access/gate.h"
#include "api/http_server.h"

namespace rankscope::api {

// The routes over what one project keeps; kNotFound when nothing was sent to it yet, unless it `may_begin`: with a
// request that begins to send, or with one of a token that was made for it, which finds an empty project.
using RoutesOfProject = std::function<base::Result<HttpServer::Handler>(const std::string& project, bool may_begin)>;

// What stands before the routes: "Authorization: Bearer TOKEN" and the parameter `project` decide where a request goes.
// 401 without a known token where one is wanted, 403 where it does not reach; GET reads, joining a launch
// ingests, everything else controls.
// /healthz and /api/v1/server answer everybody: an agent finds its way by them. `gate` outlives the handler.
HttpServer::Handler RequireAccess(access::Gate* gate, RoutesOfProject routes);

}  // namespace rankscope::api
