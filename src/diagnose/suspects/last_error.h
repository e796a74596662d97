#pragma once

#include <optional>

#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// Of a log whose last word is what its writer calls an error, in words that no signature knows: that line.
std::optional<Suspect> FindLastError(const Reading& reading);

}  // namespace rankscope::diagnose
