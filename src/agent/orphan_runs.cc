#include "agent/orphan_runs.h"

#include <unistd.h>

#include <cstdlib>

#include "agent/run_directory.h"
#include "base/file.h"

namespace rankscope::agent {
namespace {

bool IsFree(const std::string& lock) { return base::LockFile(lock).ok(); }

// A keeper takes its lock before it begins the capture: without one, the run is only being set up.
bool IsOrphan(const std::string& run, const std::string& host) {
  auto config = ReadRunConfig(run);
  if (!config.ok() || config->host != host || access((run + "/capture").c_str(), F_OK) != 0) return false;
  return IsFree(KeeperLock(run)) && IsFree(AgentLock(run));
}

}  // namespace

std::vector<std::string> OrphanRuns(const std::string& folder, const std::string& host) {
  std::vector<std::string> orphans;
  auto names = base::ListDirectory(folder);
  if (!names.ok()) return orphans;
  const std::string parent = folder + "/";
  for (const std::string& name : *names) {
    if (std::string run = parent + name; IsOrphan(run, host)) orphans.push_back(std::move(run));
  }
  return orphans;
}

std::string KeeperLock(const std::string& run_directory) { return run_directory + "/keeper.lock"; }
std::string AgentLock(const std::string& run_directory) { return run_directory + "/agent.lock"; }

void SignAgentLock(int agent_lock_fd) {
  std::string pid = std::to_string(getpid()) + "\n";
  (void)!ftruncate(agent_lock_fd, 0);
  (void)!pwrite(agent_lock_fd, pid.data(), pid.size(), 0);  // only for people
}

int AgentOf(const std::string& run_directory) {
  auto text = base::ReadWholeFile(AgentLock(run_directory));
  return text.ok() && !IsFree(AgentLock(run_directory)) ? std::atoi(text->c_str()) : 0;
}

void MarkDrained(int keeper_lock_fd) { (void)!pwrite(keeper_lock_fd, "drained\n", 8, 0); }  // only for people

bool IsDrained(const std::string& run_directory) {
  auto text = base::ReadWholeFile(KeeperLock(run_directory));
  return text.ok() && !text->empty();
}

}  // namespace rankscope::agent
