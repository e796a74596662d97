#pragma once

#include <memory>
#include <string>

#include "store/columns/column_cache.h"
#include "store/segment.h"
#include "store/segment_summary.h"

namespace rankscope::store {

// The bytes of a column of so many UUIDs, kUuidBytes each. kCorrupt names the block.
base::Result<std::string> ReadUuids(const Segment& segment, size_t block, const BlockHeader::Column& place,
                                    size_t count);

// Whether a UUID in the block holds what is searched, without the block's header. True also where one of the columns
// cannot be read. `cache`, which may be null, is that of the blocks' readers.
bool UuidsHold(const Segment& segment, const SegmentSummary& summary, size_t block, const UuidSearch& search,
               ColumnCache* cache);

}  // namespace rankscope::store
