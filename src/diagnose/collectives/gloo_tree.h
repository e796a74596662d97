#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace rankscope::diagnose {

// The ranks that it receives from or sends to.
std::set<int32_t> PeersInTree(int32_t rank, int32_t world);

// gloo's broadcast goes down a tree: a rank receives from the one whose number lacks its highest bit, and sends to
// those that have one more (gloo/broadcast.cc; counted from the root, which is taken for rank 0). So who left a
// broadcast out is the one whose parent could not send and below which none could receive, those that are `stuck`,
// while all others have it behind them; of some that are stuck, which of both it was may be open. All of the `world`
// that this fits.
struct StuckInTree {
  std::set<int32_t> all, could_not_send, could_not_receive;
};
std::vector<int32_t> FindTreeGaps(const StuckInTree& stuck, int32_t world);

// Who sends to all of these in a broadcast from rank 0; none: they have no sender in common.
std::optional<int32_t> SenderToAll(const std::vector<int32_t>& ranks);

}  // namespace rankscope::diagnose
