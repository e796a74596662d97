#pragma once

#include "model/filter.h"
#include "model/record.h"

namespace rankscope::query {

// The records of the same job, attempt and rank; where no rank is known, of the same node and host.
model::Filter SameRank(const model::Origin& origin);

// Equal for the origins that SameRank takes together.
std::string RankIdentity(const model::Origin& origin);

}  // namespace rankscope::query
