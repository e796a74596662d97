#include "diagnose/collectives/gloo_ring.h"

#include "diagnose/suspects/known_ranks.h"

namespace rankscope::diagnose {
namespace {

// A rank of a job of so many, counted around the ring.
int32_t Around(int32_t rank, size_t world) {
  const auto ranks = static_cast<int32_t>(world);
  return (rank + ranks) % ranks;
}

// The rank before the only one that could not send.
std::optional<int32_t> WhoDidNotReceive(const std::set<int32_t>& could_not_send, const std::set<int32_t>& known) {
  if (could_not_send.size() != 1) return std::nullopt;
  return Around(*could_not_send.begin() - 1, known.size());
}

// The only silent one whose neighbours both saw a peer go.
std::optional<int32_t> BetweenThose(const std::set<int32_t>& saw_it_go, const std::set<int32_t>& silent, size_t world) {
  std::optional<int32_t> between;
  for (int32_t rank : silent) {
    if (saw_it_go.count(Around(rank - 1, world)) == 0 || saw_it_go.count(Around(rank + 1, world)) == 0) continue;
    if (between) return std::nullopt;
    between = rank;
  }
  return between;
}

}  // namespace

bool AreOfAllReduce(std::string_view frames) {
  return frames.find("in all_reduce") != std::string_view::npos ||
         frames.find("torch/autograd/") != std::string_view::npos;
}

RingGap FindRingGap(const Reading& reading, const std::vector<Suspect>& suspects, const std::set<int32_t>& known) {
  std::set<int32_t> silent = known;
  for (int32_t rank : Complaining(suspects)) silent.erase(rank);
  if (known.size() < 3) return {};
  auto in_all_reduce = [&](const Suspect& suspect) {
    return suspect.traceback != Traceback::kNone && AreOfAllReduce(reading.tracebacks.all[suspect.traceback].frames);
  };
  const auto could_not_send = WhoSaid(reading, suspects, "for send operation to complete", in_all_reduce);
  if (auto rank = WhoDidNotReceive(could_not_send, known); rank && silent.count(*rank) > 0)
    return {rank, "rank " + std::to_string(*could_not_send.begin()) + ", which sends to it, could not"};
  std::set<int32_t> saw_it_go;
  for (std::string_view words : {"Connection closed by peer", "Connection reset by peer"})
    saw_it_go.merge(WhoSaid(reading, suspects, words, in_all_reduce));
  if (auto rank = BetweenThose(saw_it_go, silent, known.size()))
    return {rank, "both its neighbours in the ring saw a peer go"};
  return {};
}

}  // namespace rankscope::diagnose
