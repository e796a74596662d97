#pragma once

#include <string>

#include "base/status.h"

namespace rankscope::agent {

// Asks `http` (HOST:PORT) for its gRPC address: GET /api/v1/server. A wildcard or loopback host in the answer is
// replaced by the host that was asked. kUnavailable names the server when it does not answer within `timeout_ms`.
base::Result<std::string> FindGrpcAddress(const std::string& http, int timeout_ms);

}  // namespace rankscope::agent
