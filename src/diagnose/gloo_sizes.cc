#include "diagnose/gloo_sizes.h"

#include <algorithm>
#include <set>

#include "diagnose/gloo_tree.h"
#include "diagnose/known_ranks.h"
#include "diagnose/odd_call.h"

namespace rankscope::diagnose {
namespace {

// Whose tracebacks lead there; anywhere, where it is "".
std::set<int32_t> RanksIn(const Reading& reading, const std::vector<Suspect>& suspects, std::string_view place) {
  std::set<int32_t> ranks;
  for (const Suspect& suspect : suspects) {
    if (!suspect.rank || suspect.traceback == Traceback::kNone) continue;
    if (reading.tracebacks.all[suspect.traceback].frames.find(place) != std::string::npos) ranks.insert(*suspect.rank);
  }
  return ranks;
}

// Whether all others that say where they were reduced their gradients, and not the sender alone: it may be there for it
// has left out what the receiver is in. A rank that the launcher ends as it waits says nothing.
bool DidOthersReduceGradients(const Reading& reading, const std::vector<Suspect>& suspects, int32_t receiver,
                              int32_t sender) {
  std::set<int32_t> reducing = RanksIn(reading, suspects, "torch/autograd/"), speaking = RanksIn(reading, suspects, "");
  reducing.erase(receiver);
  speaking.erase(receiver);
  const bool all = reducing == speaking;
  reducing.erase(sender);
  return all && !reducing.empty();
}

}  // namespace

// `aborted`: the ranks that received more than they had room for. In gloo's all-reduce a rank receives from the next
// one in the ring, in its all-gather from the one before. Who sends more has left out a smaller collective, or its part
// is larger; that the receiver's is smaller than all others' would look alike, and is rarer.
Blame OfGlooSizes(const Reading& reading, const std::vector<Suspect>& suspects, const Collectives& collectives,
                  const std::vector<int32_t>& aborted) {
  const std::set<int32_t> known = FindKnownRanks(reading, collectives).all;
  if (OddCall odd = FindOddCall(reading, suspects, known); !odd.ranks.empty()) return {odd.ranks, odd.why, {}};
  const auto world = static_cast<int32_t>(known.size());
  if (aborted.empty() || world < 2) return {};
  if (aborted.size() > 1) {
    const auto sender = SenderToAll(aborted);
    if (sender && !RanksIn(reading, suspects, "in broadcast").empty())
      return {{*sender}, "all to which it sends in the broadcast got more than they expected", {}};
    std::vector<int32_t> rest;
    for (int32_t rank : known) {
      if (std::find(aborted.begin(), aborted.end(), rank) == aborted.end()) rest.push_back(rank);
    }
    if (rest.size() != 1) return {};
    return {rest, "every other rank received more than it expected", {}};
  }
  const int32_t rank = aborted.front();
  const bool gathers = !RanksIn(reading, suspects, "in all_gather").empty();
  const int32_t sender = (rank + (gathers ? world - 1 : 1)) % world;
  // The gradients' sizes are the same on all ranks.
  if (DidOthersReduceGradients(reading, suspects, rank, sender))
    return {{rank}, "it expected less than it got while others reduced their gradients", {}};
  return {{sender}, "rank " + std::to_string(rank) + " got more from it than it expected", {}};
}

}  // namespace rankscope::diagnose
