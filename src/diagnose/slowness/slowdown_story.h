#pragma once

#include "diagnose/slowness/slowdown.h"
#include "diagnose/suspects/culprit.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// Who is to blame for it, and what would settle that where nobody can be named.
Blame BlameOf(const Slowdown& slowdown);

// Fills in what a slowdown's story has beyond others': its course, the order of the ranks, the element with its odds,
// the counters. The verdict tells the rest already.
void TellSlowdown(const Reading& reading, const Slowdown& slowdown, Verdict* verdict);

}  // namespace rankscope::diagnose
