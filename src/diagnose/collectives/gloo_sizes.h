#pragma once

#include <cstdint>
#include <vector>

#include "diagnose/suspects/culprit.h"

namespace rankscope::diagnose {

// Who is to blame where gloo received more than a rank had room for. `aborted`: the ranks that say so, or ended so.
Blame OfGlooSizes(const Reading& reading, const std::vector<Suspect>& suspects, const Collectives& collectives,
                  const std::vector<int32_t>& aborted);

}  // namespace rankscope::diagnose
