#include "diagnose/collectives/gloo_tree.h"

#include <algorithm>
#include <bit>

namespace rankscope::diagnose {
namespace {

int32_t ParentOf(int32_t rank) { return rank - static_cast<int32_t>(std::bit_floor(static_cast<uint32_t>(rank))); }

std::optional<int32_t> SenderTo(Way way, int32_t rank, int32_t world) {
  if (way == Way::kBroadcast) return rank > 0 ? std::optional(ParentOf(rank)) : std::nullopt;
  return rank + 1 < world ? std::optional(rank + 1) : std::nullopt;
}

// The ranks that get what is sent by way of this one.
std::set<int32_t> Below(Way way, int32_t rank, int32_t world) {
  std::set<int32_t> below;
  for (int32_t other = 0; way == Way::kReduction && other < rank; ++other) below.insert(other);
  if (way == Way::kReduction) return below;
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

std::vector<int32_t> FindTreeGaps(Way way, const StuckInTree& stuck, int32_t world) {
  std::vector<int32_t> gaps;
  for (int32_t rank = 0; rank < world; ++rank) {
    std::set<int32_t> above, below = Below(way, rank, world);
    if (auto sender = SenderTo(way, rank, world)) above.insert(*sender);
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
