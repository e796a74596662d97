#pragma once

#include <vector>

#include "base/status.h"
#include "catalog/incidents.h"
#include "store/retention.h"

namespace rankscope::monitor {

// The records that incidents cite, but for dismissed ones: of each from its beginning to the last line of its evidence.
base::Result<std::vector<store::Citation>> CitationsOf(const catalog::Incidents& incidents);

}  // namespace rankscope::monitor
