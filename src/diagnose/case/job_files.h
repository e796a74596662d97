#pragma once

#include <string>
#include <vector>

#include "diagnose/case/rank_settling.h"

namespace rankscope::diagnose {

// Files of several jobs, or launches of one, that lie in one folder: of two Slurm jobs ("slurm-1201.out",
// "train-1207.err"), two of torchelastic's trees, two folders "run1" and "run2". Each of them has ranks of its own.
// Names alone may as well be of a job's nodes or ranks: where they do not tell jobs by a word for them, those must have
// been written one after the other, and each report steps.
struct JobFiles {
  std::vector<std::string> names;  // of the jobs, by their last time; empty: all is of one job
  std::vector<size_t> job_of;      // of each file, an index into `names`
};
JobFiles FindJobFiles(const std::vector<ReadFile>& files);

// What in the path tells of which of the jobs it is; none: nothing does.
std::optional<size_t> JobOfPath(const std::vector<std::string>& names, const std::string& path);

}  // namespace rankscope::diagnose
