#pragma once

#include <cstdint>
#include <vector>

#include "store/block.h"
#include "store/groups.h"
#include "store/segment.h"

namespace rankscope::store {

// Whether some record of the block may have a field of that name, which then stands in for what a record itself is
// asked for.
bool HasField(const BlockHeader& header, const std::string& name);

// The numbers that `groups` gives to what the header's origins, or shapes, have in a dimension that is about these.
std::vector<uint32_t> IdsOfOrigins(const Segment& segment, const BlockHeader& header, size_t dimension, Groups* groups);
std::vector<uint32_t> IdsOfShapes(const BlockHeader& header, size_t dimension, Groups* groups);

}  // namespace rankscope::store
