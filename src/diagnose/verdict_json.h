#pragma once

#include <string>

#include "diagnose/verdict.h"

namespace rankscope::diagnose {

// The JSON form of a verdict, the same at every door: one object, no newline. docs/diagnose.md names its keys.
std::string ToJson(const Verdict& verdict);

}  // namespace rankscope::diagnose
