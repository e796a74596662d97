#pragma once

#include <string>

#include "base/status.h"

namespace rankscope::cli {

struct NotifyOptions {
  std::string config, channel;
};

// `rankscope notify test`: sends a test and prints what came back. kInvalid: the configuration is wrong, or has no such
// channel; kUnavailable: the test did not arrive, and why. Nothing it says holds a secret.
base::Status RunNotifyTest(const NotifyOptions& options);

}  // namespace rankscope::cli
