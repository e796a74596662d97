#include "diagnose/collectives/gloo_peers.h"

#include <algorithm>
#include <map>

#include "diagnose/collectives/gloo_ring.h"
#include "diagnose/collectives/gloo_tree.h"

namespace rankscope::diagnose {
namespace {

std::set<int32_t> PartnersInBarrier(int32_t rank, int32_t world) {
  std::set<int32_t> partners;
  for (int32_t distance = 1; distance < world; distance *= 2) {
    partners.insert((rank + distance) % world);
    partners.insert((rank + world - distance) % world);
  }
  return partners;
}

std::set<int32_t> PeersIn(std::string_view frames, int32_t rank, int32_t world) {
  auto are_in = [&](std::string_view place) { return frames.find(place) != std::string_view::npos; };
  if (are_in(", in barrier")) return PartnersInBarrier(rank, world);
  if (are_in(", in broadcast") || are_in("broadcast_coalesced")) return PeersInTree(rank, world);
  if (AreOfAllReduce(frames)) return {(rank + 1) % world, (rank + world - 1) % world};
  return {};
}

// By rank that saw a peer go.
std::map<int32_t, std::set<int32_t>> PeersOfThose(const Reading& reading, const std::vector<Suspect>& suspects,
                                                  int32_t world) {
  std::map<int32_t, std::set<int32_t>> peers;
  for (const Suspect& suspect : suspects) {
    if (suspect.kind != "peer closed" || !suspect.rank || peers.count(*suspect.rank) > 0) continue;
    const bool raised = suspect.traceback != Traceback::kNone;
    peers[*suspect.rank] =
        PeersIn(raised ? reading.tracebacks.all[suspect.traceback].frames : "", *suspect.rank, world);
  }
  return peers;
}

}  // namespace

std::vector<int32_t> FindCommonPeers(const Reading& reading, const std::vector<Suspect>& suspects,
                                     const std::set<int32_t>& silent, const KnownRanks& known) {
  if (!known.whole) return {};
  const auto peers = PeersOfThose(reading, suspects, static_cast<int32_t>(known.all.size()));
  std::vector<int32_t> common;
  for (int32_t rank : silent) {
    if (std::all_of(peers.begin(), peers.end(), [&](const auto& of) { return of.second.count(rank) > 0; }))
      common.push_back(rank);
  }
  return common;
}

}  // namespace rankscope::diagnose
