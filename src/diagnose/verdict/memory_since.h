#pragma once

#include <vector>

#include "diagnose/reading/attempts.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// Of a job that was started again after a GPU's memory did not suffice: how the memory went since, on that rank and on
// the others. `verdicts`: of the attempts.
void TellMemorySince(const std::vector<Attempt>& attempts, const std::vector<Verdict>& verdicts, Verdict* story);

}  // namespace rankscope::diagnose
