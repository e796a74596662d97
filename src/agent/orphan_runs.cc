#include "agent/orphan_runs.h"

#include <unistd.h>

#include "base/file.h"

namespace rankscope::agent {
namespace {

bool IsFree(const std::string& lock) { return base::LockFile(lock).ok(); }

// A keeper takes its lock before it begins the capture: without one, the run is only being set up.
bool IsOrphan(const std::string& run) {
  if (access((run + "/run.json").c_str(), F_OK) != 0 || access((run + "/capture").c_str(), F_OK) != 0) return false;
  return IsFree(KeeperLock(run)) && IsFree(AgentLock(run));
}

}  // namespace

std::vector<std::string> OrphanRuns(const std::string& folder) {
  std::vector<std::string> orphans;
  auto names = base::ListDirectory(folder);
  if (!names.ok()) return orphans;
  for (const std::string& name : *names) {
    if (std::string run = folder + "/" + name; IsOrphan(run)) orphans.push_back(std::move(run));
  }
  return orphans;
}

std::string KeeperLock(const std::string& run_directory) { return run_directory + "/keeper.lock"; }
std::string AgentLock(const std::string& run_directory) { return run_directory + "/agent.lock"; }

}  // namespace rankscope::agent
