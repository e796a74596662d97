#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "diagnose/collectives/collectives.h"
#include "diagnose/suspects/suspect.h"

namespace rankscope::diagnose {

// The ranks that the job is known to have had: those that speak, have a file of their own (be it empty) or an exit, and
// all below them, below the largest world size that a line claims and below the number of processes that launchers saw
// end or ended.
struct KnownRanks {
  std::set<int32_t> all;
  bool whole = false;  // there were no more: a line tells how many, each has a file, or each was seen to end
};
KnownRanks FindKnownRanks(const Reading& reading, const Collectives& collectives);

// Whether it tells of a restart that the others did not join: nothing of the collective in which they were before.
bool IsOfLateJoining(const Suspect& suspect);

// The ranks that say that they waited for others, or saw them go.
std::set<int32_t> Complaining(const std::vector<Suspect>& suspects);

// Tracebacks of which no line tells the rank, whose process says that it waited, or saw one go.
size_t CountUnnamed(const Reading& reading, const std::vector<Suspect>& suspects);

// More of these than the ranks that complain may have logged before nobody caught the exception: others wrote some.
bool MayOthersComplain(const Reading& reading, const std::vector<Suspect>& suspects);

// The ranks that saw a peer close its connection.
std::set<int32_t> SawItGo(const std::vector<Suspect>& suspects);

// The ranks whose failure is said in these words, by the suspects that are asked for.
std::set<int32_t> WhoSaid(const Reading& reading, const std::vector<Suspect>& suspects, std::string_view words,
                          const std::function<bool(const Suspect&)>& among);

// A rank that printed nothing has left no file, where each of the others has one and saw a peer go. None: there are
// files of several ranks, others saw nothing, or the job is known to have had no more ranks.
std::optional<int32_t> RankWithoutFile(const Reading& reading, const std::vector<Suspect>& suspects,
                                       const Collectives& collectives);

// Which failure torchelastic's tables, one a node, put first; of those of the same second it does not know the order.
std::optional<int32_t> FirstObserved(const Reading& reading);

// Of a launcher's table that has several ranks end alike, the row of the one that it saw first; of another end, itself.
const Exit& FirstOfTable(const Reading& reading, const Exit& row);

// Those whose end was reported, by that signal or however (none), in the order of the reports; without those that a
// launcher ended after another had failed.
std::vector<int32_t> OwnDeaths(const Reading& reading, std::optional<int32_t> signal);

// Ends by SIGTERM of processes to which their launcher, which says whom it ended or when, sent none.
std::vector<const Exit*> EndedFromOutside(const Reading& reading);

// Every rank of the job waited in a collective until that timed out: no rank was late, so that they cannot have waited
// for the same.
bool AllTimedOut(const KnownRanks& known, const std::vector<Suspect>& suspects);

// The only rank that no launcher saw fail, where each of the others failed as it waited for one, or was ended: it came
// to its end without the collective of the others. None: another died of its own, or it was a step behind.
std::optional<int32_t> WhoEndedWellAlone(const Reading& reading, const std::vector<Suspect>& suspects,
                                         const KnownRanks& known);

}  // namespace rankscope::diagnose
