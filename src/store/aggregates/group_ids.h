#pragma once

#include <cstdint>
#include <vector>

#include "store/aggregates/groups.h"
#include "store/blocks/block.h"
#include "store/segment.h"

namespace rankscope::store {

// Whether some record of the block may have a field of that name, which then stands in for what a record itself is
// asked for.
bool HasField(const BlockHeader& header, const std::string& name);

// The number that `groups` gives to what an origin of the segment has, or a shape of the header's, in a dimension that
// is about these; and those of all of the header.
uint32_t IdOfOrigin(const Segment& segment, const model::Origin& origin, size_t dimension, Groups* groups);
uint32_t IdOfShape(const BlockHeader& header, const RowShape& shape, size_t dimension, Groups* groups);
std::vector<uint32_t> IdsOfOrigins(const Segment& segment, const BlockHeader& header, size_t dimension, Groups* groups);
std::vector<uint32_t> IdsOfShapes(const BlockHeader& header, size_t dimension, Groups* groups);

}  // namespace rankscope::store
