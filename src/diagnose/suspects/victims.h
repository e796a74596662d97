#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "diagnose/suspects/culprit.h"

namespace rankscope::diagnose {

// Whom those blame who waited for others, or saw them go: the odd one, the one behind, the silent one, the one that the
// launcher had to end.
Blame BlameOfVictims(const Reading& reading, const std::vector<Suspect>& suspects, const Collectives& collectives);

// The last step that each rank reported.
std::map<int32_t, int64_t> LastSteps(const Reading& reading);

// The one rank that reported a later step than every other: it left out what they wait in.
std::optional<int32_t> RankAhead(const Reading& reading);

}  // namespace rankscope::diagnose
