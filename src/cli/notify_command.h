#pragma once

#include <string>

#include "base/status.h"

namespace rankscope::cli {

struct NotifyOptions {
  std::string config, channel;
  std::string server;
  bool json = false;  // the server's objects as they are
};

// `rankscope notify test`: sends a test, by the configuration, and prints what came back. kInvalid: the configuration
// is wrong, or has no such channel; kUnavailable: the test did not arrive, and why. Nothing it says holds a secret.
base::Status RunNotifyTest(const NotifyOptions& options);
// The same on a channel of the server. kNotFound: it has none of that name, or tells nobody.
base::Status RunNotifyServerTest(const NotifyOptions& options);

// `rankscope notify status`: a line a channel of the server, how it does.
base::Status RunNotifyStatus(const NotifyOptions& options);
// `rankscope notify log`: what the server told of the project's incidents and jobs, newest last.
base::Status RunNotifyLog(const NotifyOptions& options, const std::string& job);

}  // namespace rankscope::cli
