#pragma once

#include <cstddef>
#include <optional>
#include <set>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// A log that ends while the ranks wait for each other: a launch that never came to its first step, or stacks that were
// dumped of a process that stands still. A log that just ends in mid-training is none: it may have been cut.
std::optional<Suspect> FindHang(const Reading& reading);

// Where stacks begin that Python wrote as a fatal signal ended the process.
std::set<size_t> DumpsOfDeaths(const Reading& reading);

}  // namespace rankscope::diagnose
