#pragma once

#include "diagnose/knowledge/job_facts.h"

namespace rankscope::diagnose {

// How alike two failures are: half of it the class, a tenth the subclass, a quarter the share of lines that say the
// same but for their numbers, the rest the labels (model, framework, …) that agree. Of healthy jobs, and of different
// or unknown classes: 0.
double Similarity(const JobFacts& a, const JobFacts& b);

}  // namespace rankscope::diagnose
