#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// The JSON form of a verdict, the same at every door: one object, no newline. docs/diagnose.md names its keys.
// `left_out`: what was not read of the paths given: "PATH (why)".
std::string ToJson(const Verdict& verdict, const std::vector<std::string>& left_out = {});
// Back again, but for `root`, which is a line of the case. kCorrupt: it is no verdict.
base::Result<Verdict> VerdictFromJson(std::string_view text);

}  // namespace rankscope::diagnose
