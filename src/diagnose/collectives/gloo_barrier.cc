#include "diagnose/collectives/gloo_barrier.h"

#include <algorithm>

namespace rankscope::diagnose {
namespace {

std::set<int32_t> PartnersOf(int32_t rank, int32_t world) {
  std::set<int32_t> partners;
  for (int32_t distance = 1; distance < world; distance *= 2) {
    partners.insert((rank + distance) % world);
    partners.insert((rank + world - distance) % world);
  }
  return partners;
}

}  // namespace

std::optional<int32_t> FindBarrierGap(const Reading& reading, const std::vector<Suspect>& suspects,
                                      const std::set<int32_t>& silent, const KnownRanks& known) {
  if (!known.whole) return std::nullopt;
  auto in_barrier = [&](const Suspect& suspect) {
    return suspect.kind == "peer closed" && suspect.traceback != Traceback::kNone &&
           reading.tracebacks.all[suspect.traceback].frames.find(", in barrier") != std::string::npos;
  };
  const std::set<int32_t> saw_it_go = WhoSaid(reading, suspects, "", in_barrier);
  if (saw_it_go.empty() || saw_it_go != SawItGo(suspects)) return std::nullopt;
  std::optional<int32_t> gap;
  for (int32_t rank : silent) {
    const std::set<int32_t> partners = PartnersOf(rank, static_cast<int32_t>(known.all.size()));
    if (!std::includes(partners.begin(), partners.end(), saw_it_go.begin(), saw_it_go.end())) continue;
    if (gap) return std::nullopt;
    gap = rank;
  }
  return gap;
}

}  // namespace rankscope::diagnose
