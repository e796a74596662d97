#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "diagnose/suspects/known_ranks.h"
#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// Whom a rank has to do with is as its collective: in gloo's barrier those that are 1, 2, 4, ... places before and
// behind it (gloo/barrier.cc), in an all-reduce its neighbours in the ring (`gloo_ring.h`), in a broadcast those above
// and below it in the tree (`gloo_tree.h`). Those of `silent` that all who saw a peer go have to do with; none: one saw
// it elsewhere, or there may be more ranks than are known.
std::vector<int32_t> FindCommonPeers(const Reading& reading, const std::vector<Suspect>& suspects,
                                     const std::set<int32_t>& silent, const KnownRanks& known);

}  // namespace rankscope::diagnose
