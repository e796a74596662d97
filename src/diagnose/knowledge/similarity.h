#pragma once

#include <string>
#include <vector>

#include "diagnose/knowledge/job_facts.h"

namespace rankscope::diagnose {

// How alike two failures are: half of it the class, a tenth the subclass, a quarter the share of lines that say the
// same but for their numbers, the rest the labels (model, framework, …) that agree. Of healthy jobs: 0.
double Similarity(const JobFacts& a, const JobFacts& b);

// The most similar failures of other jobs, at most `most`, those below 0.5 (of another class) left out.
std::vector<Similar> FindSimilar(const JobFacts& facts, const std::vector<JobFacts>& others, size_t most = 5);

}  // namespace rankscope::diagnose
