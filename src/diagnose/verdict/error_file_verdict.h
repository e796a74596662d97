#pragma once

#include <optional>

#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// What torchelastic's error files say by themselves, for when no log line tells of a failure: the earliest of them that
// is no victim's. None: there is no error file.
std::optional<Verdict> JudgeErrorFiles(const Case& read);

}  // namespace rankscope::diagnose
