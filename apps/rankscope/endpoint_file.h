#pragma once

#include <string>

#include "base/status.h"

namespace rankscope {

// DATA/server.json: where the server on a data directory answers, and which process it is.
base::Status WriteEndpoint(const std::string& data_dir, const std::string& http, const std::string& grpc);
void RemoveEndpoint(const std::string& data_dir);

// The HTTP address, if the process that wrote it lives and is on this machine (in this pid namespace); else "". Does
// not touch the directory's lock: a server that starts may be taking it.
std::string LivingEndpoint(const std::string& data_dir);

}  // namespace rankscope
