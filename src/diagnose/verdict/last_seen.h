#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "diagnose/reading/reading.h"

namespace rankscope::diagnose {

// The last line of each rank, who fell silent first first, at most 8 of them. What a launcher or an agent says of a
// rank is not the rank's word.
std::vector<size_t> LastWordsOfRanks(const Reading& reading);

}  // namespace rankscope::diagnose
