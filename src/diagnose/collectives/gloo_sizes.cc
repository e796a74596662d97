#include "diagnose/collectives/gloo_sizes.h"

#include <algorithm>
#include <set>
#include <utility>

#include "diagnose/collectives/gloo_tree.h"
#include "diagnose/collectives/odd_call.h"
#include "diagnose/suspects/known_ranks.h"

namespace rankscope::diagnose {
namespace {

// One complaint tells of two ranks whose sizes differ; that it is the sender's is likelier.
constexpr double kOneOfTwo = 0.7;

// Whose tracebacks lead there; anywhere, where it is "".
std::set<int32_t> RanksIn(const Reading& reading, const std::vector<Suspect>& suspects, std::string_view place) {
  std::set<int32_t> ranks;
  for (const Suspect& suspect : suspects) {
    if (!suspect.rank || suspect.traceback == Traceback::kNone) continue;
    if (reading.tracebacks.all[suspect.traceback].frames.find(place) != std::string::npos) ranks.insert(*suspect.rank);
  }
  return ranks;
}

// Whether the first traceback of a rank, or one of which no line tells the rank, leads there. What comes behind it is
// of tidying up.
bool AnyIn(const Reading& reading, const std::vector<Suspect>& suspects, std::string_view place) {
  std::set<int32_t> seen;
  return std::any_of(suspects.begin(), suspects.end(), [&](const Suspect& suspect) {
    if (suspect.traceback == Traceback::kNone || (suspect.rank && !seen.insert(*suspect.rank).second)) return false;
    return reading.tracebacks.all[suspect.traceback].frames.find(place) != std::string::npos;
  });
}

// Who sends to the rank: in gloo's all-reduce the next one in the ring, in its all-gather the one before, in its
// broadcast the one above in the tree.
int32_t SenderTo(const Reading& reading, const std::vector<Suspect>& suspects, int32_t rank, int32_t world) {
  const auto above = SenderToAll({rank});
  if (above && AnyIn(reading, suspects, "in broadcast")) return *above;
  return (rank + (AnyIn(reading, suspects, "in all_gather") ? world - 1 : 1)) % world;
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

// Whether a broadcast that no traceback shows fits as well: its sender does not say where it was while the rest reduce
// gradients, or all others are past it, in an all-reduce, or nobody says where he was.
bool MayBeOfABroadcast(const Reading& reading, const std::vector<Suspect>& suspects, int32_t receiver, int32_t above,
                       bool reducing, const std::set<int32_t>& known) {
  if (reducing) return RanksIn(reading, suspects, "").count(above) == 0;
  std::set<int32_t> others = known;
  others.erase(receiver);
  return !AnyIn(reading, suspects, "") || RanksIn(reading, suspects, "in all_reduce") == others;
}

// Nobody comes through an all-reduce or an all-gather without the receiver: all others have a broadcast behind them.
bool AreOthersBehindABroadcast(const Reading& reading, const std::vector<Suspect>& suspects, int32_t receiver,
                               const std::set<int32_t>& known) {
  std::set<int32_t> others = known;
  others.erase(receiver);
  return RanksIn(reading, suspects, "in barrier") == others;
}

// A root that sends too much is complained of by all to which it sends.
Blame OfABroadcast(int32_t receiver, int32_t above, size_t world, const std::vector<std::string>& settles) {
  if (above == 0 && world > 2) return {{receiver}, "it alone had no room for what the root sent", settles, kOneOfTwo};
  return {{above}, "rank " + std::to_string(receiver) + " got more from it than it expected", settles, kOneOfTwo};
}

std::string AnyOf(const std::set<int32_t>& ranks) {
  std::string named;
  for (int32_t rank : ranks) named += (named.empty() ? "rank " : " or rank ") + std::to_string(rank) + "'s";
  return named;
}

std::vector<std::string> WhoseSize(const std::string& ranks) {
  return {"whose size is the odd one, " + ranks + ": TORCH_DISTRIBUTED_DEBUG=DETAIL, the shapes that each passes"};
}

// The sizes of the gradients are the same on all ranks, so that where others reduce them it is rather the broadcast's.
Blame OfEitherCall(int32_t receiver, int32_t before, int32_t above, bool reducing) {
  std::vector<int32_t> ranks =
      reducing ? std::vector<int32_t>{above, receiver, before} : std::vector<int32_t>{before, above, receiver};
  return OneOf(std::move(ranks), "the sizes of the first and of who receives from it differ",
               WhoseSize(AnyOf({before, receiver, above})));
}

}  // namespace

// Who sends more has left out a smaller collective, or its part is larger; that the receiver's is smaller than all
// others' would look alike, and is rarer.
Blame OfGlooSizes(const Reading& reading, const std::vector<Suspect>& suspects, const Collectives& collectives,
                  const std::vector<int32_t>& aborted) {
  const std::set<int32_t> known = FindKnownRanks(reading, collectives).all;
  if (OddCall odd = FindOddCall(reading, suspects, known); !odd.ranks.empty()) return {odd.ranks, odd.why, {}};
  const auto world = static_cast<int32_t>(known.size());
  if (aborted.empty() || world < 2) return {};
  if (aborted.size() > 1) {
    const auto sender = SenderToAll(aborted);
    if (sender && AnyIn(reading, suspects, "in broadcast"))
      return {{*sender}, "all to which it sends in the broadcast got more than they expected", {}};
    std::vector<int32_t> rest;
    for (int32_t rank : known) {
      if (std::find(aborted.begin(), aborted.end(), rank) == aborted.end()) rest.push_back(rank);
    }
    if (rest.size() != 1) return {};
    return {rest, "every other rank received more than it expected", {}};
  }
  const int32_t rank = aborted.front();
  const int32_t sender = SenderTo(reading, suspects, rank, world);
  const auto above = SenderToAll({rank});
  if (above && AreOthersBehindABroadcast(reading, suspects, rank, known))
    return OfABroadcast(rank, *above, known.size(), WhoseSize(AnyOf({rank, *above})));
  const bool reducing = DidOthersReduceGradients(reading, suspects, rank, sender);
  if (above && *above != sender && MayBeOfABroadcast(reading, suspects, rank, *above, reducing, known))
    return OfEitherCall(rank, sender, *above, reducing);
  const std::vector<std::string> settles =
      WhoseSize("rank " + std::to_string(sender) + "'s or rank " + std::to_string(rank) + "'s");
  // The gradients' sizes are the same on all ranks.
  if (reducing)
    return {{rank}, "it expected less than it got while others reduced their gradients", settles, kOneOfTwo};
  return {{sender}, "rank " + std::to_string(rank) + " got more from it than it expected", settles, kOneOfTwo};
}

}  // namespace rankscope::diagnose
