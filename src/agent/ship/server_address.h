#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace rankscope::agent {

struct ServerAnswer {
  std::string version, grpc;   // gRPC HOST:PORT
  int64_t clock_ahead_ns = 0;  // of ours, give or take half the round trip
  int64_t round_trip_ns = 0;
};

// Asks `http` (HOST:PORT) who it is: GET /api/v1/server. A wildcard or loopback host in its gRPC address is replaced by
// the host that was asked. kUnavailable names the server when nothing listens there, or it says nothing for 10 s.
base::Result<ServerAnswer> AskServer(const std::string& http);

// Its gRPC address alone.
base::Result<std::string> FindGrpcAddress(const std::string& http);

}  // namespace rankscope::agent
