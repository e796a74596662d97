#pragma once

#include <optional>

#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// What flight-recorder dumps tell where no log says anything; nothing: they agree, or there are none.
std::optional<Verdict> JudgeDumps(const Case& read);

}  // namespace rankscope::diagnose
