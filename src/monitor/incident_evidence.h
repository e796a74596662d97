#pragma once

#include <string>

#include "base/status.h"
#include "diagnose/incidents/incident.h"
#include "store/store.h"

namespace rankscope::monitor {

// What was around an incident's first line, or its beginning, on the rank that said it (without a rank: in the job), as
// JSON: `lines`, 25 before and 25 from it on, and `metrics`, 50 records before and 50 from it on. At most 256 KiB:
// texts are cut to 1 KiB, and what is further away is left out, which `left_out` counts.
base::Result<std::string> AroundJson(store::Store* store, const diagnose::Incident& incident);

}  // namespace rankscope::monitor
