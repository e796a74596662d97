#pragma once

#include "diagnose/suspects/suspect.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// A person who ends a job that hangs leaves the same words as one who ends a job that trains: where ranks stood when
// the signal came is where they stand at any moment of a step, and only the time since the last step tells them apart.
// Of an end by a signal in logs without such times: adds the hang as an alternative, with the rank that the others
// would have waited for, and what would settle it. Else nothing.
void TellPossibleHang(const Reading& reading, const Suspect& cause, Verdict* verdict);

}  // namespace rankscope::diagnose
