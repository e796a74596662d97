#pragma once

#include <vector>

#include "diagnose/case/case.h"
#include "diagnose/case/rank_settling.h"

namespace rankscope::diagnose {

// Puts what was read of files, in their order, and who wrote it into the case, which has its error files already and no
// lines.
void AssembleCase(std::vector<ReadFile> files, Case* into);

}  // namespace rankscope::diagnose
