#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "diagnose/suspects/known_ranks.h"
#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// In gloo's barrier a rank hears from those that are 1, 2, 4, ... places before it, and tells those that are as far
// behind it (gloo/barrier.cc). The only one of `silent` that all who saw a peer go in a barrier have to do with; none:
// several fit, no rank was in one, or there may be more ranks than are known.
std::optional<int32_t> FindBarrierGap(const Reading& reading, const std::vector<Suspect>& suspects,
                                      const std::set<int32_t>& silent, const KnownRanks& known);

}  // namespace rankscope::diagnose
