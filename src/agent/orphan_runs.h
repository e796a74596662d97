#pragma once

#include <string>
#include <vector>

namespace rankscope::agent {

// The run directories below `folder` that nobody works on: keeper, guard and agent have all died before everything was
// shipped. Their paths.
std::vector<std::string> OrphanRuns(const std::string& folder);

// The files that show by their locks that a keeper (or its guard) and an agent live.
std::string KeeperLock(const std::string& run_directory);
std::string AgentLock(const std::string& run_directory);

}  // namespace rankscope::agent
