#pragma once

#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// Ranks that could not join the others are no cause where something else explains it: the training had begun, or one of
// them had died, before; or another raised something of its own and never came. They are cascades then.
void DemoteLateJoining(const Reading& reading, std::vector<Suspect>* suspects);

}  // namespace rankscope::diagnose
