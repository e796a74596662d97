#pragma once

#include <memory>

#include "query/log_source.h"
#include "store/store.h"

namespace rankscope::query {

// The embedded store as a LogSource. REQUIRES the store outlives it.
std::unique_ptr<LogSource> MakeStoreLogSource(store::Store* store);

}  // namespace rankscope::query
