#pragma once

#include <optional>

#include "diagnose/suspect.h"

namespace rankscope::diagnose {

// The rank whose own work (compute_time_s: what it does outside collectives) takes most of each step while the others
// wait for it: over the whole run, or its last half or quarter. Its `rank` is absent where the reports name none; then
// only a work of several times the others' counts, as uneven batches make any rank late now and then.
std::optional<Suspect> FindSlowWork(const Reading& reading);

}  // namespace rankscope::diagnose
