#pragma once

#include <string>
#include <vector>

namespace rankscope::agent {

// The run directories of this host below `folder` that nobody works on: keeper, guard and agent have all died before
// everything was shipped. Their paths. A folder that hosts share holds other hosts' runs, whose locks say nothing here.
std::vector<std::string> OrphanRuns(const std::string& folder, const std::string& host);

// The files that show by their locks that a keeper (or its guard) and an agent live. An agent that drains an orphan
// holds both, and marks the keeper's for good.
std::string KeeperLock(const std::string& run_directory);
std::string AgentLock(const std::string& run_directory);
// By its lock, which it has signed: the pid of the agent that works there; 0: none does.
void SignAgentLock(int agent_lock_fd);
int AgentOf(const std::string& run_directory);
void MarkDrained(int keeper_lock_fd);
bool IsDrained(const std::string& run_directory);

}  // namespace rankscope::agent
