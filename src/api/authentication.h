#pragma once

#include <functional>
#include <string>

#include "access/gate.h"
#include "api/http_server.h"

namespace rankscope::api {

// The routes over what one project keeps; kNotFound when there is no such project.
using RoutesOfProject = std::function<base::Result<HttpServer::Handler>(const std::string& project)>;

// What stands before the routes: "Authorization: Bearer TOKEN" and the parameter `project` decide where a request goes.
// 401 without a known token where one is wanted, 403 where it does not reach; GET reads, everything else controls.
// /healthz and /api/v1/server answer everybody: an agent finds its way by them. `gate` outlives the handler.
HttpServer::Handler RequireAccess(access::Gate* gate, RoutesOfProject routes);

}  // namespace rankscope::api
