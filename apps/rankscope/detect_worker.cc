#include <cstdlib>

#include "agent/child_process.h"
#include "base/environment.h"
#include "commands.h"

namespace rankscope {

// Becomes the Python program: signals and the exit code are its own.
int DetectWorker(const DetectWorkerOptions& options) {
  std::string package = PythonPath();
  if (package.empty()) {
    return Fail(base::Status::NotFound("detect-worker: no Python package in " + LibraryFolder() + "/python"));
  }
  base::PrependToVariable("PYTHONPATH", package);
  setenv("RANKSCOPE_SERVER", options.server.c_str(), 1);
  std::string python = base::EnvironmentVariable("RANKSCOPE_PYTHON");
  std::vector<std::string> command = {python.empty() ? "python3" : python, "-m", "rankscope.worker", options.file};
  if (!options.job.empty()) command.insert(command.end(), {"--job_id", options.job});
  command.insert(command.end(), {"--from", options.from});
  agent::ExecCommand(command);
}

}  // namespace rankscope
