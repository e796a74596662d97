#pragma once

#include "diagnose/suspects/memory_trace.h"
#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// How the memory went before there was none left, of this rank and of its peers, as far as reports tell it (in GiB,
// else in percent of the device): adds the figures, and `leak` where it rose until the end and nothing else explains
// it.
void JudgeTrend(const Reading& reading, const Suspect& cause, MemoryTrace* trace);

}  // namespace rankscope::diagnose
