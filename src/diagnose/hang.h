#pragma once

#include <optional>

#include "diagnose/suspect.h"

namespace rankscope::diagnose {

// A log that ends while the ranks wait for each other: a launch that never came to its first step, or stacks that were
// dumped of a process that stands still. A log that just ends in mid-training is none: it may have been cut.
std::optional<Suspect> FindHang(const Reading& reading);

}  // namespace rankscope::diagnose
