#pragma once

#include <string_view>
#include <vector>

#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// What to do about such a failure, most useful first: what its subclass asks for, then what any of its class does. None
// of a class that is not known.
std::vector<Advice> AdviceOn(std::string_view failure, std::string_view kind);

// Only what the subclass asks for; empty: nothing else than its class.
std::string_view AdviceOnKind(std::string_view failure, std::string_view kind);

}  // namespace rankscope::diagnose
