#pragma once

#include <string>
#include <vector>

#include "diagnose/case/case.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// The files of one of the jobs whose logs lie together.
struct JobCase {
  std::string name;
  Case read;                  // its text is the whole case's
  std::vector<size_t> lines;  // of the whole case
};

// By their last time; empty: there is one.
std::vector<JobCase> SplitJobs(const Case& whole);

// Of the last one that failed, or of the last; the others are named in its figures.
Verdict StoryOfJobs(const std::vector<JobCase>& jobs, const std::vector<Verdict>& verdicts);

}  // namespace rankscope::diagnose
