#pragma once

#include <vector>

#include "diagnose/collectives/collectives.h"
#include "diagnose/suspects/culprit.h"

namespace rankscope::diagnose {

// One of each rank that says alike what the cause says, in the order in which they said it, as far as it is known.
std::vector<const Suspect*> FindFellows(const Reading& reading, const Suspect& cause,
                                        const std::vector<Suspect>& suspects);
std::vector<int32_t> RanksOf(const std::vector<const Suspect*>& fellows);

// Who of them (at least one) said it first, by its lines or the launcher's. Where nothing tells that, all of them; but
// nobody where all ranks of the job said so.
Blame OfFellows(const Reading& reading, const std::vector<const Suspect*>& fellows, const Collectives& collectives);

}  // namespace rankscope::diagnose
