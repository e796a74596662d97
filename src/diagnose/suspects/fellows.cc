#include "diagnose/suspects/fellows.h"

#include <algorithm>
#include <set>
#include <string>

#include "diagnose/suspects/known_ranks.h"

namespace rankscope::diagnose {
namespace {

constexpr int kAlike = 3;

// Of two in order; what two files say at the same time has none.
bool IsOrderKnown(const Reading& reading, const Suspect& first, const Suspect& second) {
  const Line& a = reading.read->lines[first.line];
  const Line& b = reading.read->lines[second.line];
  const bool by_step = OrderOf(reading, first).first < OrderOf(reading, second).first;
  return by_step || a.file == b.file || (a.time && b.time && *a.time < *b.time);
}

// How it is known of one rank, of several the first. An outcome is its launcher's word, not its own.
std::string WhyThisOne(const Suspect& suspect, bool is_first_of_several) {
  if (suspect.role == Role::kOutcome) return is_first_of_several ? "its end is the first" : "its end is told";
  if (is_first_of_several) return "it says so first";
  return suspect.kind == "metrics" ? "its own reports show it" : "it says so itself";
}

}  // namespace

std::vector<const Suspect*> FindFellows(const Reading& reading, const Suspect& cause,
                                        const std::vector<Suspect>& suspects) {
  std::vector<const Suspect*> same;
  for (const Suspect& suspect : suspects) {
    if (suspect.failure == cause.failure && suspect.score + kAlike >= cause.score && suspect.rank)
      same.push_back(&suspect);
  }
  std::stable_sort(same.begin(), same.end(),
                   [&](const Suspect* a, const Suspect* b) { return OrderOf(reading, *a) < OrderOf(reading, *b); });
  std::set<int32_t> seen;
  std::erase_if(same, [&](const Suspect* suspect) { return !seen.insert(*suspect->rank).second; });
  return same;
}

std::vector<int32_t> RanksOf(const std::vector<const Suspect*>& fellows) {
  std::vector<int32_t> ranks;
  ranks.reserve(fellows.size());
  for (const Suspect* fellow : fellows) ranks.push_back(*fellow->rank);
  return ranks;
}

Blame OfFellows(const Reading& reading, const std::vector<const Suspect*>& fellows, const Collectives& collectives) {
  std::vector<int32_t> ranks = RanksOf(fellows);
  if (ranks.size() == 1) return {ranks, WhyThisOne(*fellows[0], /*is_first_of_several=*/false), {}};
  if (IsOrderKnown(reading, *fellows[0], *fellows[1])) return {ranks, WhyThisOne(*fellows[0], true), {}};
  if (auto first = std::find(ranks.begin(), ranks.end(), FirstObserved(reading)); first != ranks.end()) {
    std::rotate(ranks.begin(), first, first + 1);
    return {ranks, "the launcher saw it fail first", {}};
  }
  Blame blame{ranks, "nothing tells which of them said so first", {"lines with times: which rank was the first"}};
  blame.in_order = false;
  if (ranks.size() < FindKnownRanks(reading, collectives).all.size()) return blame;
  blame.why = "all " + std::to_string(ranks.size()) + " ranks say so, and nothing tells which was the first";
  blame.ranks.clear();
  return blame;
}

}  // namespace rankscope::diagnose
