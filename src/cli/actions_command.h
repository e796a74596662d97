#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace rankscope::cli {

struct ActionOptions {
  std::string server, job;
  std::string action;    // as the server takes it: "NAME" or "NAME ARGUMENT"
  std::string by, note;  // who says so, and why
  int64_t hold_s = 0;    // of pause_job; 0: as long as may be
  bool json = false;     // the server's report as it is
};

// `rankscope pause|resume|stop|dump-stacks|set J`: begins the action, waits until it is settled (all ranks wait, or
// have answered), and prints what has come of it; of stacks, which ranks are where. kUnavailable: it was not done, or
// not by all ranks; the message says why. kNotFound: there is no such job.
base::Status RunAction(const ActionOptions& options);

}  // namespace rankscope::cli
