#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace rankscope::diagnose {

// gloo's broadcast goes down a tree: a rank receives from the one whose number lacks its highest bit, and sends to
// those that have one more (gloo/broadcast.cc; counted from the root, which is taken for rank 0). So who left a
// broadcast out is the one whose parent could not send and below which none could receive, while all others have it
// behind them. None: that fits several ranks of the `world`, or none.
std::optional<int32_t> FindTreeGap(const std::set<int32_t>& could_not_send, const std::set<int32_t>& could_not_receive,
                                   int32_t world);

// Who sends to all of these in a broadcast from rank 0; none: they have no sender in common.
std::optional<int32_t> SenderToAll(const std::vector<int32_t>& ranks);

}  // namespace rankscope::diagnose
