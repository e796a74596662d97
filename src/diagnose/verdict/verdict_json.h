#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// The JSON form of a verdict, the same at every door: one object, no newline. docs/diagnose.md names its keys.
std::string ToJson(const Verdict& verdict);
// Back again, but for `root`, which is a line of the case. kCorrupt: it is no verdict.
base::Result<Verdict> VerdictFromJson(std::string_view text);

}  // namespace rankscope::diagnose
