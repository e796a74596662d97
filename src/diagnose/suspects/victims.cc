#include "diagnose/suspects/victims.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "diagnose/collectives/gloo_peers.h"
#include "diagnose/collectives/gloo_ring.h"
#include "diagnose/collectives/odd_call.h"
#include "diagnose/reading/stacks.h"
#include "diagnose/suspects/known_ranks.h"
#include "diagnose/suspects/last_words.h"
#include "diagnose/suspects/silence.h"

namespace rankscope::diagnose {
namespace {

constexpr char kDumps[] = "flight-recorder dumps (TORCH_FR_BUFFER_SIZE=2000)";

// Ranks without a word of waiting, when others complain.
std::vector<int32_t> Uncomplaining(const std::vector<Suspect>& suspects, const std::set<int32_t>& known) {
  const std::set<int32_t> complaining = Complaining(suspects);
  std::vector<int32_t> rest;
  std::set_difference(known.begin(), known.end(), complaining.begin(), complaining.end(), std::back_inserter(rest));
  return complaining.empty() ? std::vector<int32_t>{} : rest;
}

constexpr size_t kSays = 2;  // that a process waited: as it logs the exception, and as nobody catches it

// When the ranks that failed are the victims, the launcher's signal went to the one they waited for.
std::vector<int32_t> Survivors(const Reading& reading, const std::vector<Suspect>& suspects,
                               const std::set<int32_t>& known) {
  const std::set<int32_t> complaining = Complaining(suspects);
  const std::vector<int32_t> failed = OwnDeaths(reading, std::nullopt);
  const std::set<int32_t> dead(failed.begin(), failed.end());
  std::vector<int32_t> rest;
  for (int32_t rank : known) {
    if (dead.count(rank) == 0 && complaining.count(rank) == 0) rest.push_back(rank);
  }
  if (dead.empty() || rest.size() > dead.size() || CountUnnamed(reading, suspects) > kSays * dead.size()) return {};
  return rest;
}

std::string Listed(const std::vector<int32_t>& ranks) {
  std::string text;
  for (int32_t rank : ranks) text += (text.empty() ? "" : ", ") + std::to_string(rank);
  return text;
}

// Of the silent ranks one went, and a launcher may have ended the others for it.
struct Gone {
  std::vector<int32_t> silent;
  std::vector<int32_t> fit;  // those of them that all who saw it go have to do with
};

Blame OfOneThatWent(const Reading& reading, const Gone& gone, const KnownRanks& known) {
  if (gone.fit.size() == 1) return {gone.fit, "all that saw a peer go have to do with it in their collectives", {}};
  if (EndedBefore ended = FindEndedBefore(reading, {gone.silent.begin(), gone.silent.end()}, known.all); ended.rank)
    return {{*ended.rank}, "its log ends before what all others went on to print: " + ended.line, {}};
  return {};
}

Blame Undecided(const Gone& gone, const KnownRanks& known) {
  const std::vector<int32_t>& went = gone.fit.empty() ? gone.silent : gone.fit;
  const std::string which = "which of the silent ranks (" + Listed(went) + ") ended first: the launcher's log, dmesg";
  if (went.size() == 2 && known.whole)
    return OneOf(went, "none of them says that it waited, and the others saw one go", {which});
  Blame nobody;
  if (went.size() > 1) nobody.would_settle.push_back(which);
  nobody.would_settle.emplace_back("the logs of every rank");
  nobody.would_settle.emplace_back("stacks of all ranks while they wait (rankscope dump-stacks JOB)");
  nobody.would_settle.emplace_back(kDumps);
  return nobody;
}

// By the ranks that are missing from the reports.
Blame OfTheSilent(const Reading& reading, const std::vector<Suspect>& suspects, const Collectives& collectives) {
  const KnownRanks ranks = FindKnownRanks(reading, collectives);
  const std::set<int32_t>& known = ranks.all;
  if (RingGap gap = FindRingGap(reading, suspects, known); gap.rank) return {{*gap.rank}, gap.why, {}};
  Gone gone{Uncomplaining(suspects, known), {}};
  const bool one_went = gone.silent.size() > 1 && !SawItGo(suspects).empty();
  if (one_went) {
    gone.fit = FindCommonPeers(reading, suspects, {gone.silent.begin(), gone.silent.end()}, ranks);
    if (Blame one = OfOneThatWent(reading, gone, ranks); !one.ranks.empty()) return one;
  } else if (!gone.silent.empty() && gone.silent.size() <= Complaining(suspects).size() &&
             !MayOthersComplain(reading, suspects)) {
    return {gone.silent, "every other rank complains that it waited", {}};
  }
  std::vector<int32_t> survivors = Survivors(reading, suspects, known);
  if (!survivors.empty())
    return {survivors, "the ranks that failed had waited; this one was ended by the launcher", {}};
  if (auto next = RankWithoutFile(reading, suspects, collectives))
    return {{*next}, "every rank that has a file saw a peer go, so that it is one that has none", {}};
  return Undecided(one_went ? gone : Gone{}, ranks);
}

}  // namespace

Blame BlameOfVictims(const Reading& reading, const std::vector<Suspect>& suspects, const Collectives& collectives) {
  LateRanks late = FindLateRanks(reading, collectives);
  if (!late.ranks.empty()) return {late.ranks, late.why, {}};
  const std::set<int32_t> known = FindKnownRanks(reading, collectives).all;
  const OddCall odd = FindOddCall(reading, suspects, known);
  if (!odd.ranks.empty()) return {odd.ranks, odd.why, {}};
  if (auto ahead = RankAhead(reading)) return {{*ahead}, "it went on to a later step than all others", {}};
  if (OddStacks stacks = FindOddStacks(reading); !stacks.ranks.empty()) return {stacks.ranks, stacks.why, {}};
  const bool all_complain = Complaining(suspects) == known;
  if (Interrupted outside = FindInterrupted(reading); all_complain && !outside.ranks.empty())
    return {outside.ranks, outside.why, {}};
  if (!odd.either.empty() && all_complain)
    return OneOf(odd.either, "it left out a collective, or issued another", {kDumps});
  return OfTheSilent(reading, suspects, collectives);
}

std::map<int32_t, int64_t> LastSteps(const Reading& reading) {
  std::map<int32_t, int64_t> steps;
  for (const Point& point : reading.points) {
    if (point.rank && point.step && !point.evaluation) steps[*point.rank] = *point.step;
  }
  return steps;
}

std::optional<int32_t> RankAhead(const Reading& reading) {
  std::map<int32_t, int64_t> steps = LastSteps(reading);
  if (steps.size() < 2) return std::nullopt;
  auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  auto most = std::max_element(steps.begin(), steps.end(), less);
  auto next = std::count_if(steps.begin(), steps.end(), [&](const auto& s) { return s.second == most->second; });
  return next == 1 ? std::optional<int32_t>(most->first) : std::nullopt;
}

}  // namespace rankscope::diagnose
