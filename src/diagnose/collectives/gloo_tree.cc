#include "diagnose/collectives/gloo_tree.h"

#include <algorithm>
#include <bit>

namespace rankscope::diagnose {
namespace {

int32_t ParentOf(int32_t rank) { return rank - static_cast<int32_t>(std::bit_floor(static_cast<uint32_t>(rank))); }

// The ranks that get what the root sends by way of this one.
std::set<int32_t> Below(int32_t rank, int32_t world) {
  std::set<int32_t> below;
  for (int32_t other = rank + 1; other < world; ++other) {
    if (ParentOf(other) == rank || below.count(ParentOf(other)) > 0) below.insert(other);
  }
  return below;
}

bool Includes(const std::set<int32_t>& all, const std::set<int32_t>& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

}  // namespace

std::set<int32_t> PeersInTree(int32_t rank, int32_t world) {
  std::set<int32_t> peers;
  if (rank > 0) peers.insert(ParentOf(rank));
  for (int32_t other = rank + 1; other < world; ++other) {
    if (ParentOf(other) == rank) peers.insert(other);
  }
  return peers;
}

std::vector<int32_t> FindTreeGaps(const StuckInTree& stuck, int32_t world) {
  std::vector<int32_t> gaps;
  for (int32_t rank = 0; rank < world; ++rank) {
    const std::set<int32_t> above = rank > 0 ? std::set<int32_t>{ParentOf(rank)} : std::set<int32_t>{};
    std::set<int32_t> below = Below(rank, world);
    if (!Includes(above, stuck.could_not_send) || !Includes(below, stuck.could_not_receive)) continue;
    below.insert(above.begin(), above.end());
    if (below == stuck.all) gaps.push_back(rank);
  }
  return gaps;
}

std::optional<int32_t> SenderToAll(const std::vector<int32_t>& ranks) {
  std::set<int32_t> senders;
  for (int32_t rank : ranks) senders.insert(rank > 0 ? ParentOf(rank) : -1);
  return senders.size() == 1 && *senders.begin() >= 0 ? std::optional(*senders.begin()) : std::nullopt;
}

}  // namespace rankscope::diagnose
