#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace rankscope::model {

// "0-2, 5".
std::string RankSet(const std::set<int32_t>& ranks);

}  // namespace rankscope::model
