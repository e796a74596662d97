#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/run_directory.h"
#include "base/status.h"

namespace rankscope::agent {

struct KeeperOptions {
  std::string run_directory;  // holds run.json already
  std::string job;
  std::vector<std::string> command;
  // Instead of running the command: keep this process, which runs already. When its pipes can be asked for, one line
  // of JSON (job_id, socket, rings) goes to ready_fd.
  pid_t attach_pid = 0;
  int ready_fd = -1;
  std::string python_path;                 // the folder of the Python package; its bootstrap goes before PYTHONPATH
  std::string rings;                       // the folder of the metric rings
  std::string door;                        // the folder that is made for the socket of its ranks
  int log_interval_steps = 0;              // 0: the default
  std::string buffering = "line";          // line | keep | none
  bool allow_pause = false;                // its ranks may be held
  std::vector<std::string> agent_command;  // started detached, and again when it dies
  int64_t flush_timeout_ms = 2000;
  bool alerts = false;  // say on stderr what the server finds
  std::vector<std::pair<std::string, std::string>> labels;
};

// Runs the command, holds the read ends of its pipes and of its ranks' pipes, mirrors them to the terminal, writes
// them to the capture, watches the ranks' ends, and keeps an agent running. Blocks until the command has ended and
// the agent has shipped everything, at most flush_timeout_ms later; ranks that live on, and output that is still open,
// are left to the guard, in whose process the call returns once more when it has nothing left to keep.
//
// Returns the command's wait status (as waitpid; 0 where an attached process's is unknown). Call from a single-threaded
// process: it forks.
base::Result<int> RunKeeper(const KeeperOptions& options);

}  // namespace rankscope::agent
