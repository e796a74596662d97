#pragma once

#include <vector>

#include "diagnose/suspects/culprit.h"
#include "diagnose/suspects/suspect.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// Fills what explains the verdict from what was found: evidence, timeline, alternatives, refutations, figures, advice.
// The verdict's class, kind, culprits and root are set.
void TellStory(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects, const Blame& blame,
               Verdict* verdict);

}  // namespace rankscope::diagnose
