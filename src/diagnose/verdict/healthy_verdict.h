#pragma once

#include "diagnose/reading/reading.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// That nothing is wrong, how surely, and what was outlived.
Verdict HealthyVerdict(const Reading& reading);

}  // namespace rankscope::diagnose
