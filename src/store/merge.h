#pragma once

#include <set>
#include <string>
#include <vector>

#include "store/segment_folder.h"

namespace rankscope::store {

// The first run of a job's small neighbours, of segments in order of arrival, that is worth merging: `merge_at` or more
// of one size class. Empty: none. Those named in `unmergeable` are no neighbours of any.
std::vector<LiveSegment> NextMerge(const std::vector<LiveSegment>& segments, const std::set<std::string>& unmergeable,
                                   size_t merge_at);

// Adds what the segments, all of one job, hold: large blocks are copied, runs of small ones encoded anew. kCorrupt:
// a block of them is damaged.
base::Status FillMerged(const std::vector<LiveSegment>& inputs, SegmentWriter* writer);

}  // namespace rankscope::store
