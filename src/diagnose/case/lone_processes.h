#pragma once

#include <vector>

#include "diagnose/case/rank_settling.h"

namespace rankscope::diagnose {

// Whether each node (a pod, a host) has one process, so that its number is that process's rank: there are several
// nodes, no line is known to be of a rank, and none speaks of a rank or a device that is not its node's only one, of a
// larger world or of a launcher.
bool HasEachNodeOneProcess(const std::vector<ReadFile>& files);

}  // namespace rankscope::diagnose
