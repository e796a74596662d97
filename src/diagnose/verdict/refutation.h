#pragma once

#include "diagnose/reading/reading.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// Says of the network, the hardware, memory and storage why the verdict is not theirs, with what was measured of them;
// of what was not measured, nothing. The verdict's class is set.
void Refute(const Reading& reading, Verdict* verdict);

}  // namespace rankscope::diagnose
