#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace rankscope::agent {

struct AgentOptions {
  std::string run_directory;
  std::string server;           // HTTP HOST:PORT instead of the run's own; empty: the run's
  bool drain = false;           // `rankscope spool push`: what the keeper did not end counts as ended
  std::string token;            // instead of the run's own, which may have been refused; empty: the run's
  int64_t give_up_after_s = 0;  // after the run's end, so long without a new acknowledgement; 0: never
};

struct Shipped {
  uint64_t records = 0;      // that the run had; all are acknowledged
  uint64_t held_before = 0;  // of them, those that the server had before this agent came
  uint64_t lost = 0;         // of them, those that the spool did not hold any more, damaged
  std::string kept_in;       // with lost ones: where the run directory is now
};

// The node's agent for one run: capture → records → spool → server, until the run has ended and the server has
// acknowledged everything; then the run directory is removed (or moved aside, where some are lost: its
// capture may hold them), with the rings and with what a killed keeper left.
// Blocks. kUnavailable when another agent has the directory; kNotFound when somebody removed it meanwhile; kInvalid
// when the server refused for good; what is not shipped stays in the spool.
base::Result<Shipped> RunAgent(const AgentOptions& options);

}  // namespace rankscope::agent
