#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace rankscope::diagnose {

// The ranks that it receives from or sends to.
std::set<int32_t> PeersInTree(int32_t rank, int32_t world);

// gloo's broadcast goes down a tree: a rank receives from the one whose number lacks its highest bit, and sends to
// those that have one more (gloo/broadcast.cc; counted from the root, which is taken for rank 0). What is reduced to
// one rank goes from rank to rank down to rank 0 where it is so small that it has one part (gloo/reduce.cc). So who
// left either out is the one to which its sender could not send and below which none could receive, those that are
// `stuck`, while all others have it behind them; of some that are stuck, which of both it was may be open. All of the
// `world` that this fits.
enum class Way { kBroadcast, kReduction };
struct StuckInTree {
  std::set<int32_t> all, could_not_send, could_not_receive;
};
std::vector<int32_t> FindTreeGaps(Way way, const StuckInTree& stuck, int32_t world);

// Who sends to all of these in a broadcast from rank 0; none: they have no sender in common.
std::optional<int32_t> SenderToAll(const std::vector<int32_t>& ranks);

}  // namespace rankscope::diagnose
