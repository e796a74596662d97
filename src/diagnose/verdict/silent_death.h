#pragma once

#include "diagnose/suspects/culprit.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {

// Its peers saw the connection close, and neither the rank nor a launcher says why: as after a SIGKILL. `silent`: some
// ranks say nothing, of which it is one.
void CallSilentDeathByName(const Reading& reading, const Suspect& cause, bool silent, Blame* blame, Verdict* verdict);

// A restart that did not come together tells nothing of what ended the attempt before it, of whose end all ranks were
// silent.
void CallSilentAttemptByName(const Reading& reading, const Suspect& cause, Blame* blame, Verdict* verdict);

}  // namespace rankscope::diagnose
