#include "diagnose/suspects/ends_by_others.h"

#include <algorithm>
#include <set>

#include "diagnose/suspects/culprit.h"
#include "diagnose/suspects/hang.h"
#include "diagnose/suspects/known_ranks.h"

namespace rankscope::diagnose {
namespace {

// What the launcher did to the others is no cause.
constexpr int kDoneByLauncher = 22;

// The rank waited in a collective until that timed out, behind the signal: others died of that wait, and so was the
// launcher's signal to them.
bool WaitedAfterIt(const Reading& reading, const std::vector<Suspect>& suspects, const Suspect& signal) {
  return signal.rank && std::any_of(suspects.begin(), suspects.end(), [&](const Suspect& other) {
           return other.kind == "timeout" && other.rank == signal.rank &&
                  IsKnownToFollow(reading, other.line, signal.line);
         });
}

void DemoteLaunchersSignals(const Reading& reading, std::vector<Suspect>* suspects) {
  LauncherEnded ended = EndedByLauncher(reading);
  for (Suspect& suspect : *suspects) {
    bool in_table = reading.bodies[suspect.line].text.starts_with("traceback ");
    bool is_term = IsSignal(suspect) && (ended.by_sigterm || in_table) && !WaitedAfterIt(reading, *suspects, suspect);
    bool is_kill = suspect.kind == "sigkill_unexplained" && ended.by_sigkill;
    if (!is_term && !is_kill) continue;
    suspect.role = Role::kCascade;
    suspect.score = std::min(suspect.score, kDoneByLauncher);
  }
}

// The workers of a data loader end of the signal that ends their process, as of the launcher's once it has failed.
void DemoteWorkersOfSignalled(const Reading& reading, std::vector<Suspect>* suspects) {
  const std::vector<Suspect> all = *suspects;
  for (Suspect& worker : *suspects) {
    if (reading.text(worker.line).find("is killed by signal: Terminated") == std::string_view::npos) continue;
    const bool ended = std::any_of(all.begin(), all.end(), [&](const Suspect& other) {
      const bool its = (IsSignal(other) || IsVictimsWord(other)) && other.rank == worker.rank;
      return its && IsKnownToFollow(reading, worker.line, other.line);
    });
    if (!ended) continue;
    worker.role = Role::kCascade;
    worker.score = std::min(worker.score, kDoneByLauncher);
  }
}

// A rank that raised something of its own, or whose peers saw it go, and was not signalled itself: whoever was, was so
// after it.
void DemoteSignalsAfterAFailure(const Reading& reading, std::vector<Suspect>* suspects) {
  std::set<int32_t> signalled;
  for (const Suspect& suspect : *suspects) {
    if (IsSignal(suspect) && suspect.rank) signalled.insert(*suspect.rank);
  }
  bool failed = std::any_of(suspects->begin(), suspects->end(), [&](const Suspect& s) {
    bool raised = s.traceback != Traceback::kNone && s.role <= Role::kSymptom && s.failure != "sigterm_preempted";
    return raised && s.rank && signalled.count(*s.rank) == 0 && !IsVictimsWord(s);
  });
  bool gone = std::any_of(suspects->begin(), suspects->end(), [](const Suspect& s) { return s.kind == "peer closed"; });
  bool unsignalled = std::any_of(reading.ranks.begin(), reading.ranks.end(), [&](const std::optional<int32_t>& rank) {
    return rank && signalled.count(*rank) == 0;
  });
  failed = failed || (gone && unsignalled);
  if (!failed) return;
  for (Suspect& suspect : *suspects) {
    if (!IsSignal(suspect) || !suspect.rank) continue;
    suspect.role = Role::kCascade;
    suspect.score = std::min(suspect.score, kDoneByLauncher);
  }
}

// An abort that no library announces, as gloo and the watchdogs announce theirs, is the process's own.
constexpr int kOwnAbort = 66;

bool AnnouncesAbort(const Sighting& sighting) {
  constexpr std::string_view kKinds[] = {"enforce", "gloo sizes", "watchdog", "taken down", "heartbeat", "dump signal"};
  return std::find(std::begin(kKinds), std::end(kKinds), sighting.signature->kind) != std::end(kKinds);
}

// What a process does on gloo's or a watchdog's behalf says less than why they had it done.
constexpr int kAnnouncedAbort = 22;

// Whose abort a line tells: its own words, or a launcher's, who has a row of a few lines for it.
std::optional<int32_t> WhoAborted(const Reading& reading, const Suspect& suspect) {
  constexpr size_t kRowBelowCode = 2;
  if (suspect.rank) return suspect.rank;
  for (const Exit& exit : reading.exits) {
    const size_t end = std::max(exit.line, exit.code_line + kRowBelowCode);
    if (exit.signal == kSigabrt && exit.line <= suspect.line && suspect.line <= end) return RankOf(exit);
  }
  return std::nullopt;
}

// The threads of a process that ends after it saw a peer go may abort it as it does.
bool IsAbortOfWhoSawAPeerGo(const Reading& reading, const Suspect& suspect, const std::set<int32_t>& saw_it_go) {
  const auto rank = WhoAborted(reading, suspect);
  return rank && saw_it_go.count(*rank) > 0;
}

void WeighAborts(const Reading& reading, std::vector<Suspect>* suspects) {
  if (IsAnAbortAnnounced(reading)) {
    for (Suspect& suspect : *suspects) {
      if (suspect.kind == "SIGABRT") suspect.score = std::min(suspect.score, kAnnouncedAbort);
    }
    return;
  }
  const std::set<int32_t> saw_it_go = SawItGo(*suspects);
  for (Suspect& suspect : *suspects) {
    if (suspect.kind == "SIGABRT" && IsAbortOfWhoSawAPeerGo(reading, suspect, saw_it_go)) {
      suspect.score = std::min(suspect.score, kAnnouncedAbort);
      continue;
    }
    bool reported = std::any_of(reading.exits.begin(), reading.exits.end(), [&](const Exit& exit) {
      return exit.line == suspect.line || exit.code_line == suspect.line;
    });
    const bool dumped = reading.bodies[suspect.line].text.starts_with("Fatal Python error: Aborted");
    if ((reported || dumped) && suspect.kind == "SIGABRT") suspect.score = std::max(suspect.score, kOwnAbort);
  }
}

// Python writes the stacks of all threads as a fatal signal ends it, too.
void DropDumpsOfDeaths(const Reading& reading, std::vector<Suspect>* suspects) {
  const std::set<size_t> lines = DumpsOfDeaths(reading);
  std::erase_if(*suspects, [&](const Suspect& s) { return s.kind == "stack dump" && lines.count(s.line) > 0; });
}

// A communicator that the watchdog has taken down fails whatever its ranks were about to do with it.
constexpr int kTakenDown = 45;

void DemoteNcclAfterTimeout(const Reading& reading, std::vector<Suspect>* suspects) {
  auto timeout =
      std::find_if(suspects->begin(), suspects->end(), [](const Suspect& s) { return s.kind == "watchdog"; });
  if (timeout == suspects->end()) return;
  for (Suspect& suspect : *suspects) {
    const bool vague = suspect.kind == "unhandled" || suspect.kind == "system" || suspect.kind == "remote";
    if (vague && IsKnownToFollow(reading, suspect.line, timeout->line))
      suspect.score = std::min(suspect.score, kTakenDown);
  }
}

// A rank that ended with a code and without a word of waiting, alone among those that no launcher ended, while others
// saw a peer go: it is whom they saw, whatever its code.
constexpr int kOwnExit = 52;

std::optional<int32_t> WhoExitedAlone(const Reading& reading, const std::vector<Suspect>& suspects) {
  const std::set<int32_t> complaining = Complaining(suspects);
  if (MayOthersComplain(reading, suspects)) return std::nullopt;
  std::optional<int32_t> alone;
  for (int32_t rank : OwnDeaths(reading, std::nullopt)) {
    if (complaining.count(rank) > 0) continue;
    if (alone) return std::nullopt;
    alone = rank;
  }
  return SawItGo(suspects).empty() ? std::nullopt : alone;
}

void AddOwnExit(const Reading& reading, std::vector<Suspect>* suspects) {
  const auto alone = WhoExitedAlone(reading, *suspects);
  for (const Exit& exit : reading.exits) {
    if (!alone || exit.code.value_or(0) == 0 || RankOf(exit) != alone) continue;
    suspects->push_back({std::max(exit.line, exit.code_line), "python_exception_one_rank", "exit code", Role::kOutcome,
                         kOwnExit, alone, Traceback::kNone, "it alone ended without a word of waiting"});
  }
}

// Whom SIGTERM ended without its launcher, somebody else sent it.
void AddEndsFromOutside(const Reading& reading, std::vector<Suspect>* suspects) {
  for (const Exit* exit : EndedFromOutside(reading)) {
    suspects->push_back({exit->line, "sigterm_preempted", "signalled alone", Role::kOutcome, kOwnExit, exit->rank,
                         Traceback::kNone, "others ended by their launcher or after it, not this one"});
  }
}

// Slurm cancels the step, and srun ends its tasks, when one of them ended badly; a reason ("DUE TO ...") is its own.
bool IsCancelledAfter(const Reading& reading, const Suspect& suspect, const Exit& exit) {
  const std::vector<const Exit*> outside = EndedFromOutside(reading);
  bool own = exit.signal ? *exit.signal != kSigterm : exit.code.value_or(0) != 0;
  own = own || std::find(outside.begin(), outside.end(), &exit) != outside.end();
  return own && reading.text(exit.line).find("srun: error") != std::string_view::npos &&
         IsKnownToFollow(reading, suspect.line, exit.line);
}

bool IsOfCancelledStep(std::string_view text, const Suspect& suspect) {
  auto says = [&](std::string_view words) { return text.find(words) != std::string_view::npos; };
  if (suspect.kind == "cancelled") return says("*** STEP") && !says("DUE TO");
  return (suspect.kind == "terminated" || suspect.kind == "sigkill_unexplained") && says("srun: error");
}

// An exception of a task's own, or that a task saw a peer go, before it: srun may tell of the task that ended later. A
// peer that went may be the one that was killed.
bool IsCancelledAfter(const Reading& reading, const Suspect& suspect, const Suspect& other) {
  const bool raised = other.traceback != Traceback::kNone && other.role <= Role::kSymptom && !IsSignal(other);
  const bool saw_it_go = other.kind == "peer closed" && suspect.kind != "sigkill_unexplained";
  return (raised || saw_it_go) && IsKnownToFollow(reading, suspect.line, other.line);
}

void DemoteCancelledSteps(const Reading& reading, std::vector<Suspect>* suspects) {
  const std::vector<Suspect> all = *suspects;  // as they are before any is demoted
  for (Suspect& suspect : *suspects) {
    if (!IsOfCancelledStep(reading.text(suspect.line), suspect)) continue;
    auto follows = [&](const auto& earlier) { return IsCancelledAfter(reading, suspect, earlier); };
    if (std::none_of(reading.exits.begin(), reading.exits.end(), follows) &&
        std::none_of(all.begin(), all.end(), follows)) {
      continue;
    }
    suspect.role = Role::kCascade;
    suspect.score = std::min(suspect.score, kDoneByLauncher);
  }
}

// A spawned process that cannot read what its parent hands it: the parent was gone.
bool LostItsParent(const Reading& reading, const Suspect& suspect) {
  if (suspect.traceback == Traceback::kNone) return false;
  const std::string& frames = reading.tracebacks.all[suspect.traceback].frames;
  const std::string_view text = reading.bodies[suspect.line].text;
  const bool cut = text.find("pickle data was truncated") != std::string_view::npos || text.starts_with("EOFError");
  return cut && frames.find("multiprocessing/spawn.py") != std::string::npos &&
         frames.find("from_parent)") != std::string::npos;
}

void DemoteOrphans(const Reading& reading, std::vector<Suspect>* suspects) {
  for (Suspect& suspect : *suspects) {
    auto ended_before = [&](const Exit& exit) {
      const bool badly = exit.signal || exit.code.value_or(0) != 0;
      return badly && IsKnownToFollow(reading, suspect.line, exit.line);
    };
    if (!LostItsParent(reading, suspect) || std::none_of(reading.exits.begin(), reading.exits.end(), ended_before))
      continue;
    suspect.role = Role::kCascade;
    suspect.score = std::min(suspect.score, kDoneByLauncher);
  }
}

// Where Horovod's or Open MPI's launcher named the process that failed first, and how: behind the words, some lines.
std::optional<size_t> WhereOneFailedFirst(const Reading& reading) {
  constexpr size_t kReport = 5;
  for (const Exit& exit : reading.exits) {
    if (exit.signal) continue;
    for (size_t line = exit.line - std::min(exit.line, kReport); line < exit.line; ++line) {
      if (reading.text(line).find("The first process to do so was:") != std::string_view::npos) return exit.line;
    }
  }
  return std::nullopt;
}

// Nobody knows whose the end is that is told behind that.
void DemoteKillsAfterTheFirst(const Reading& reading, std::vector<Suspect>* suspects) {
  const auto first = WhereOneFailedFirst(reading);
  if (!first) return;
  for (Suspect& suspect : *suspects) {
    if (suspect.kind != "sigkill_unexplained" || suspect.rank || !IsKnownToFollow(reading, suspect.line, *first))
      continue;
    suspect.role = Role::kCascade;
    suspect.score = std::min(suspect.score, kDoneByLauncher);
  }
}

}  // namespace

bool IsAnAbortAnnounced(const Reading& reading) {
  return std::any_of(reading.sightings.begin(), reading.sightings.end(), AnnouncesAbort);
}

void DemoteEndsByOthers(const Reading& reading, std::vector<Suspect>* suspects) {
  DemoteLaunchersSignals(reading, suspects);
  DemoteWorkersOfSignalled(reading, suspects);
  DemoteCancelledSteps(reading, suspects);
  DemoteKillsAfterTheFirst(reading, suspects);
  DemoteSignalsAfterAFailure(reading, suspects);
  WeighAborts(reading, suspects);
  AddOwnExit(reading, suspects);
  AddEndsFromOutside(reading, suspects);
  DropDumpsOfDeaths(reading, suspects);
  DemoteOrphans(reading, suspects);
  DemoteNcclAfterTimeout(reading, suspects);
}

}  // namespace rankscope::diagnose
