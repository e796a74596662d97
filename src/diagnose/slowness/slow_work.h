#pragma once

#include <optional>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// The rank whose own work (compute_time_s: what it does outside collectives) takes most of each step while the others
// wait for it: over the whole run, or its last half or quarter. Its `rank` is absent where the reports name none; then
// only a work of several times the others' counts, as uneven batches make any rank late now and then.
//
// A rank that does more from the first steps on, always as many times as much, may be meant to, as the stages of a
// pipeline whose layers are uneven: it counts among peers of its own stage, where the run tells of stages; else only
// where the others are alike, or with several times their work.
std::optional<Suspect> FindSlowWork(const Reading& reading);

}  // namespace rankscope::diagnose
