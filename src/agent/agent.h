#pragma once

#include <string>

#include "base/status.h"

namespace rankscope::agent {

struct AgentOptions {
  std::string run_directory;
  bool drain = false;           // `rankscope spool push`: what the keeper did not end counts as ended
  std::string token;            // instead of the run's own, which may have been refused; empty: the run's
  int64_t give_up_after_s = 0;  // after the run's end without an acknowledgement; 0: never
};

// The node's agent for one run: capture → records → spool → server, until the run has ended and the server has
// acknowledged everything; then the run directory is removed, with the rings and with what a killed keeper left.
// Blocks. kUnavailable when another agent has the directory; kNotFound when somebody removed it meanwhile; kInvalid
// when the server refused for good; what is not shipped stays in the spool.
base::Status RunAgent(const AgentOptions& options);

}  // namespace rankscope::agent
