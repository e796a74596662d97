#pragma once

#include <string>
#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// How much memory the culprit's host had before it killed: sentences from its agent's samples, else from what the
// training printed of its own; empty: neither tells.
// `rank`: whose host; unknown: that of the cause's line.
std::vector<std::string> TellHostMemory(const Reading& reading, const Suspect& cause, std::optional<int32_t> rank);

}  // namespace rankscope::diagnose
