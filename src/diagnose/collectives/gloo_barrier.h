#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// In gloo's barrier a rank hears from those that are 1, 2, 4, ... places before it, and tells those that are as far
// behind it (gloo/barrier.cc). The only one of `silent` that all who saw a peer go in a barrier have to do with; none:
// several fit, or no rank was in one. `world`: how many ranks there are.
std::optional<int32_t> FindBarrierGap(const Reading& reading, const std::vector<Suspect>& suspects,
                                      const std::set<int32_t>& silent, size_t world);

}  // namespace rankscope::diagnose
