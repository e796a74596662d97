#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// A log that ends while the ranks wait for each other: a launch that never came to its first step, or stacks that were
// dumped of a process that stands still. A log that just ends in mid-training is none: it may have been cut.
std::optional<Suspect> FindHang(const Reading& reading);

// Of a launch that stalls where all others' last word is that they wait: the few that never said so.
std::vector<int32_t> WhoHasNotCome(const Reading& reading);

// Where stacks begin that Python wrote as a fatal signal ended the process.
std::set<size_t> DumpsOfDeaths(const Reading& reading);

}  // namespace rankscope::diagnose
