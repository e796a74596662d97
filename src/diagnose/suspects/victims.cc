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

namespace rankscope::diagnose {
namespace {

// Ranks without a word of waiting, when others complain.
std::vector<int32_t> Uncomplaining(const std::vector<Suspect>& suspects, const std::set<int32_t>& known) {
  const std::set<int32_t> complaining = Complaining(suspects);
  std::vector<int32_t> rest;
  std::set_difference(known.begin(), known.end(), complaining.begin(), complaining.end(), std::back_inserter(rest));
  if (complaining.empty() || rest.size() > complaining.size()) return {};
  return rest;
}

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
  if (dead.empty() || rest.size() > dead.size()) return {};
  return rest;
}

std::string Listed(const std::vector<int32_t>& ranks) {
  std::string text;
  for (int32_t rank : ranks) text += (text.empty() ? "" : ", ") + std::to_string(rank);
  return text;
}

Blame Nobody(const std::vector<int32_t>& silent) {
  Blame nobody;
  if (silent.size() > 1)
    nobody.would_settle.emplace_back("which of the silent ranks (" + Listed(silent) +
                                     ") ended first: the launcher's log, dmesg");
  nobody.would_settle.emplace_back("the logs of every rank");
  nobody.would_settle.emplace_back("stacks of all ranks while they wait (rankscope dump-stacks JOB)");
  nobody.would_settle.emplace_back("flight-recorder dumps (TORCH_FR_BUFFER_SIZE=2000)");
  return nobody;
}

// Of several silent ranks, all but one of which a launcher ended when that one had gone.
Blame OfThoseThatWent(const Reading& reading, const std::vector<Suspect>& suspects, const std::vector<int32_t>& silent,
                      const KnownRanks& known) {
  const std::set<int32_t> went(silent.begin(), silent.end());
  if (auto peer = FindCommonPeer(reading, suspects, went, known))
    return {{*peer}, "all that saw a peer go have to do with it in their collectives", {}};
  if (EndedBefore ended = FindEndedBefore(reading, went, known.all); ended.rank)
    return {{*ended.rank}, "its log ends before what all others went on to print: " + ended.line, {}};
  return {};
}

// By the ranks that are missing from the reports.
Blame OfTheSilent(const Reading& reading, const std::vector<Suspect>& suspects, const Collectives& collectives) {
  const KnownRanks ranks = FindKnownRanks(reading, collectives);
  const std::set<int32_t>& known = ranks.all;
  if (RingGap gap = FindRingGap(reading, suspects, known); gap.rank) return {{*gap.rank}, gap.why, {}};
  const std::vector<int32_t> silent = Uncomplaining(suspects, known);
  // A launcher ends others too when one rank has gone, and none of them says so.
  const bool one_went = silent.size() > 1 && !SawItGo(suspects).empty();
  if (Blame one = one_went ? OfThoseThatWent(reading, suspects, silent, ranks) : Blame(); !one.ranks.empty())
    return one;
  if (!silent.empty() && !one_went) return {silent, "every other rank complains that it waited", {}};
  std::vector<int32_t> survivors = Survivors(reading, suspects, known);
  if (!survivors.empty())
    return {survivors, "the ranks that failed had waited; this one was ended by the launcher", {}};
  if (auto next = RankWithoutFile(reading, suspects, collectives))
    return {{*next}, "every rank that has a file saw a peer go, so that it is one that has none", {}};
  return Nobody(silent);
}

}  // namespace

Blame BlameOfVictims(const Reading& reading, const std::vector<Suspect>& suspects, const Collectives& collectives) {
  LateRanks late = FindLateRanks(reading, collectives);
  if (!late.ranks.empty()) return {late.ranks, late.why, {}};
  if (OddCall odd = FindOddCall(reading, suspects, FindKnownRanks(reading, collectives).all); !odd.ranks.empty())
    return {odd.ranks, odd.why, {}};
  if (auto ahead = RankAhead(reading)) return {{*ahead}, "it went on to a later step than all others", {}};
  if (OddStacks odd = FindOddStacks(reading); !odd.ranks.empty()) return {odd.ranks, odd.why, {}};
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
