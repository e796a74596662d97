#include "diagnose/known_ranks.h"

#include <algorithm>

#include "diagnose/culprit.h"

namespace rankscope::diagnose {
namespace {

std::set<int32_t> RanksOfFiles(const Reading& reading) {
  std::set<int32_t> ranks;
  for (const CaseFile& file : reading.read->files) {
    if (file.rank && !file.surroundings) ranks.insert(*file.rank);
  }
  return ranks;
}

std::set<int32_t> RanksOfExits(const Reading& reading) {
  std::set<int32_t> ranks;
  for (const Exit& exit : reading.exits) {
    if (auto rank = RankOf(exit)) ranks.insert(*rank);
  }
  return ranks;
}

}  // namespace

KnownRanks FindKnownRanks(const Reading& reading, const Collectives& collectives) {
  const std::set<int32_t> files = RanksOfFiles(reading), exits = RanksOfExits(reading);
  KnownRanks known{files, false};
  known.all.insert(exits.begin(), exits.end());
  for (const auto& rank : reading.ranks) {
    if (rank) known.all.insert(*rank);
  }
  int32_t world = collectives.world_size.value_or(0);
  if (!known.all.empty()) world = std::max(world, *known.all.rbegin() + 1);
  for (int32_t rank = 0; rank < world; ++rank) known.all.insert(rank);
  known.whole = collectives.world_size == world || files == known.all || exits == known.all;
  return known;
}

std::set<int32_t> Complaining(const std::vector<Suspect>& suspects) {
  std::set<int32_t> complaining;
  for (const Suspect& suspect : suspects) {
    if (suspect.rank && IsVictimsWord(suspect)) complaining.insert(*suspect.rank);
  }
  return complaining;
}

bool AllTimedOut(const KnownRanks& known, const std::vector<Suspect>& suspects) {
  std::set<int32_t> timed_out;
  for (const Suspect& suspect : suspects) {
    if (suspect.rank && suspect.failure == "gloo_error" && suspect.kind == "timeout") timed_out.insert(*suspect.rank);
  }
  return known.whole && known.all.size() > 1 && timed_out == known.all;
}

}  // namespace rankscope::diagnose
