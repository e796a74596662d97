#include <algorithm>
#include <set>

#include "diagnose/attempts.h"
#include "diagnose/collectives.h"
#include "diagnose/culprit.h"
#include "diagnose/curves.h"
#include "diagnose/error_file_verdict.h"
#include "diagnose/flight_comparison.h"
#include "diagnose/flight_verdict.h"
#include "diagnose/hang.h"
#include "diagnose/known_ranks.h"
#include "diagnose/odd_call.h"
#include "diagnose/reading.h"
#include "diagnose/restart_plan.h"
#include "diagnose/silence.h"
#include "diagnose/slowness/slowdown.h"
#include "diagnose/slowness/slowdown_story.h"
#include "diagnose/story.h"
#include "diagnose/suspect.h"
#include "diagnose/verdict.h"
#include "diagnose/victims.h"

namespace rankscope::diagnose {
namespace {

// Below, a line may stand in any healthy log.
constexpr int kLeastScore = 28;
// Suspects so near to each other are told apart by who came first.
constexpr int kAsGood = 3;
// From here on a suspect explains a death, and what makes a living job slow is no matter any more.
constexpr int kExplainsDeath = 40;
// What is left of a rendezvous that fails after the training had begun: the others had gone.
constexpr int kLostStore = 30;

bool IsSlowness(const Suspect& suspect) {
  constexpr std::string_view kSlow[] = {"straggler", "network_degraded", "data_loading_bottleneck", "throughput_decay",
                                        "thermal_or_power_throttle"};
  return std::find(std::begin(kSlow), std::end(kSlow), suspect.failure) != std::end(kSlow);
}

// Who raises something of its own before it has joined leaves the others waiting for it.
void DemoteRendezvousThatAFailureExplains(const Reading& reading, std::vector<Suspect>* suspects) {
  auto explains = [&](const Suspect& suspect, const Suspect& waits) {
    bool raised = suspect.traceback != Traceback::kNone && suspect.role <= Role::kSymptom && !IsVictimsWord(suspect);
    if (!raised || suspect.failure == waits.failure) return false;
    if (suspect.rank && waits.rank) return suspect.rank != waits.rank;
    return IsKnownToFollow(reading, waits.line, suspect.line);
  };
  const std::vector<Suspect> all = *suspects;  // as they are before any is demoted
  for (Suspect& waits : *suspects) {
    if (waits.failure != "rendezvous_failed" || waits.kind == "port in use") continue;
    if (std::none_of(all.begin(), all.end(), [&](const Suspect& s) { return explains(s, waits); })) continue;
    waits.role = Role::kCascade;
    waits.score = std::min(waits.score, kLostStore);
  }
}

bool IsOfJoining(const Suspect& suspect) {
  return suspect.failure == "rendezvous_failed" || (suspect.failure == "gloo_error" && suspect.kind == "connect");
}

// An exception of the same rank stands before it in its file: this is of a launch after that.
bool FollowsOwnFailure(const Reading& reading, const std::vector<Suspect>& suspects, const Suspect& suspect) {
  const auto& lines = reading.read->lines;
  return suspect.rank && std::any_of(suspects.begin(), suspects.end(), [&](const Suspect& other) {
           return other.rank == suspect.rank && other.traceback != Traceback::kNone && !IsOfJoining(other) &&
                  lines[other.line].file == lines[suspect.line].file && other.line < suspect.line;
         });
}

// The launcher saw a rank die by a signal, and later the same one end otherwise: this is of what was started after
// that.
bool FollowsDeathBeforeRestart(const Reading& reading, const Suspect& suspect) {
  auto again = [&](const Exit& died) {
    return std::any_of(reading.exits.begin(), reading.exits.end(), [&](const Exit& other) {
      return RankOf(other) && RankOf(other) == RankOf(died) && other.signal != died.signal && other.line > died.line &&
             reading.read->lines[other.line].file == reading.read->lines[died.line].file;
    });
  };
  return std::any_of(reading.exits.begin(), reading.exits.end(), [&](const Exit& died) {
    return died.signal && died.signal != kSigterm && IsKnownToFollow(reading, suspect.line, died.line) && again(died);
  });
}

void DemoteLateRendezvous(const Reading& reading, std::vector<Suspect>* suspects) {
  const size_t never = reading.positions.size();
  const size_t first = reading.points.empty() ? never : reading.positions[reading.points.front().line];
  const std::vector<Suspect> all = *suspects;  // as they are before any is demoted
  for (Suspect& suspect : *suspects) {
    if (!IsOfJoining(suspect)) continue;
    const bool late = reading.positions[suspect.line] >= first || FollowsOwnFailure(reading, all, suspect) ||
                      FollowsDeathBeforeRestart(reading, suspect);
    if (!late) continue;
    suspect.role = Role::kCascade;
    suspect.score = std::min(suspect.score, kLostStore);
  }
}

// What the launcher did to the others is no cause.
constexpr int kDoneByLauncher = 22;

void DemoteLaunchersSignals(const Reading& reading, std::vector<Suspect>* suspects) {
  LauncherEnded ended = EndedByLauncher(reading);
  for (Suspect& suspect : *suspects) {
    bool in_table = reading.bodies[suspect.line].text.starts_with("traceback ");
    bool is_term = IsSignal(suspect) && (ended.by_sigterm || in_table);
    bool is_kill = suspect.kind == "sigkill_unexplained" && ended.by_sigkill;
    if (!is_term && !is_kill) continue;
    suspect.role = Role::kCascade;
    suspect.score = std::min(suspect.score, kDoneByLauncher);
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

void WeighAborts(const Reading& reading, std::vector<Suspect>* suspects) {
  if (std::any_of(reading.sightings.begin(), reading.sightings.end(), AnnouncesAbort)) {
    for (Suspect& suspect : *suspects) {
      if (suspect.kind == "SIGABRT") suspect.score = std::min(suspect.score, kAnnouncedAbort);
    }
    return;
  }
  for (Suspect& suspect : *suspects) {
    bool reported = std::any_of(reading.exits.begin(), reading.exits.end(), [&](const Exit& exit) {
      return exit.line == suspect.line || exit.code_line == suspect.line;
    });
    const bool dumped = reading.bodies[suspect.line].text.starts_with("Fatal Python error: Aborted");
    if ((reported || dumped) && suspect.kind == "SIGABRT") suspect.score = std::max(suspect.score, kOwnAbort);
  }
}

// Slurm cancels the step, and srun ends its tasks, when one of them ended badly; a reason ("DUE TO ...") is its own.
bool IsCancelledAfter(const Reading& reading, const Suspect& suspect, const Exit& exit) {
  bool own = exit.signal ? *exit.signal != kSigterm : exit.code.value_or(0) != 0;
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

void DropSlownessOfTheDead(std::vector<Suspect>* suspects) {
  bool died = std::any_of(suspects->begin(), suspects->end(), [](const Suspect& s) {
    return !IsSlowness(s) && (s.score >= kExplainsDeath || IsVictimsWord(s));
  });
  if (died) std::erase_if(*suspects, IsSlowness);
}

// The last loss is that of the course before, so that whatever jump a line speaks of is over.
constexpr size_t kLossesAfter = 3;
constexpr double kOnCourse = 1.2;

bool IsBackOnCourse(const Reading& reading, size_t line) {
  double before = 0, last = 0;
  size_t after = 0;
  for (const Point& point : reading.points) {
    if (!point.loss || point.evaluation) continue;
    bool is_after = reading.positions[point.line] > reading.positions[line];
    (is_after ? last : before) = *point.loss;
    after += is_after ? 1 : 0;
  }
  return after >= kLossesAfter && before > 0 && last <= kOnCourse * before;
}

void DropSpikesThatPassed(const Reading& reading, std::vector<Suspect>* suspects) {
  auto spike = std::find_if(suspects->begin(), suspects->end(),
                            [](const Suspect& s) { return s.failure == "loss_spike_or_divergence"; });
  if (spike == suspects->end() || !IsBackOnCourse(reading, spike->line)) return;
  std::erase_if(*suspects, [](const Suspect& s) { return s.failure == "loss_spike_or_divergence"; });
}

std::vector<Suspect> AllSuspects(const Reading& reading, const std::optional<Slowdown>& slowdown) {
  std::vector<Suspect> suspects = FindSuspects(reading);
  DropSpikesThatPassed(reading, &suspects);
  DemoteLateRendezvous(reading, &suspects);
  DemoteRendezvousThatAFailureExplains(reading, &suspects);
  DemoteLaunchersSignals(reading, &suspects);
  DemoteCancelledSteps(reading, &suspects);
  DemoteSignalsAfterAFailure(reading, &suspects);
  WeighAborts(reading, &suspects);
  DropDumpsOfDeaths(reading, &suspects);
  DemoteNcclAfterTimeout(reading, &suspects);
  for (Suspect& course : FindCourses(reading)) suspects.push_back(std::move(course));
  if (auto hang = FindHang(reading)) suspects.push_back(std::move(*hang));
  if (slowdown) suspects.push_back(SuspectOf(*slowdown));
  DropSlownessOfTheDead(&suspects);
  ExplainSignalsBySilence(reading, &suspects);
  return suspects;
}

const Suspect* Choose(const Reading& reading, const std::vector<Suspect>& suspects) {
  int best = 0;
  for (const Suspect& suspect : suspects) best = std::max(best, suspect.score);
  const Suspect* chosen = nullptr;
  for (const Suspect& suspect : suspects) {
    if (suspect.score < std::max(kLeastScore, best - kAsGood)) continue;
    if (!chosen || OrderOf(reading, suspect) < OrderOf(reading, *chosen)) chosen = &suspect;
  }
  return chosen;
}

// Weaker than what one rank says of itself, stronger than what its victims say.
constexpr int kMismatch = 80;

// Ranks that issued different collectives, by their own reports.
void AddMismatch(const Reading& reading, const Collectives& collectives, std::vector<Suspect>* suspects) {
  LateRanks late = FindLateRanks(reading, collectives);
  if (!late.mismatch || late.line >= reading.bodies.size()) return;
  suspects->push_back({late.line, "collective_mismatch_hang", "reports", Role::kCause, kMismatch,
                       late.ranks.empty() ? std::nullopt : std::optional<int32_t>(late.ranks.front()), Traceback::kNone,
                       late.why});
}

double ConfidenceOf(const Suspect& suspect) {
  if (suspect.kind == "sigkill_unexplained") return 0.45;
  return std::min(0.97, suspect.score / 100.0 + (suspect.role == Role::kCause ? 0.04 : 0));
}

Culprit CulpritOf(const Reading& reading, const Suspect& cause, int32_t rank) {
  Culprit culprit{{}, rank, StepBefore(reading, cause.line, rank)};
  for (size_t i = 0; i < reading.ranks.size() && !culprit.node_rank; ++i) {
    if (reading.ranks[i] == rank) culprit.node_rank = reading.read->lines[i].node_rank;
  }
  return culprit;
}

// Its peers saw the connection close, and neither the rank nor a launcher says why: as after a SIGKILL. `silent`: some
// ranks say nothing, of which it is one.
void CallSilentDeathByName(const Reading& reading, const Suspect& cause, bool silent, Blame* blame, Verdict* verdict) {
  bool closed = cause.kind == "peer closed" || cause.kind == "remote";
  if (!closed || (blame->ranks.empty() && !silent) || !reading.exits.empty()) return;
  verdict->failure = "host_oom_killed";
  verdict->kind = "silent_death";
  verdict->confidence = 0.4;
  blame->would_settle = {"how the process ended: the launcher's log, dmesg, the cgroup's memory.events"};
}

// Every process whose end is told ended with 0.
bool AllExitedWell(const Reading& reading) {
  return !reading.exits.empty() && std::all_of(reading.exits.begin(), reading.exits.end(),
                                               [](const Exit& exit) { return exit.code == 0 && !exit.signal; });
}

Verdict Healthy(const Reading& reading) {
  Verdict verdict;
  const bool ended_well = !reading.finished.empty() || AllExitedWell(reading);
  verdict.confidence = ended_well ? 0.95 : !reading.points.empty() ? 0.85 : 0.6;
  verdict.summary = ended_well ? "it ended well" : "nothing is wrong as far as these logs go";
  return verdict;
}

// A wait for a rank that has gone on without the others, or waits elsewhere, is one for a collective that it left out;
// where all waited, for one that they did not issue alike.
void CallSkippedByName(const Reading& reading, const Collectives& collectives, std::vector<Suspect>* suspects) {
  auto dumps = CompareDumps(reading.read->dumps);
  bool other = dumps && dumps->kind == FlightDisagreement::Kind::kOther;
  const KnownRanks known = FindKnownRanks(reading, collectives);
  const OddCall odd = FindOddCall(reading, *suspects, known.all);
  other = other || RankAhead(reading) || !odd.ranks.empty();
  other = other || (odd.differ && known.whole && Complaining(*suspects) == known.all);
  other = other || AreUnnamedAtOtherCalls(reading, *suspects);
  const bool ended_well = WhoEndedWellAlone(reading, *suspects, known).has_value();
  if (!other && !ended_well && !AllTimedOut(known, *suspects)) return;
  for (Suspect& suspect : *suspects) {
    bool waited = suspect.kind == "timeout" || suspect.kind == "watchdog" || suspect.kind == "blocking wait";
    waited = waited || (ended_well && suspect.kind == "peer closed");
    if (!waited || !IsVictimsWord(suspect)) continue;
    suspect.failure = "collective_mismatch_hang";
    suspect.kind = kSkippedCollective;
  }
}

// What C++ threw stands behind the line that names its type.
size_t RootOf(const Reading& reading, size_t line) {
  const size_t next = line + 1;
  const bool thrown = reading.bodies[line].text.starts_with("terminate called after throwing");
  const bool same = thrown && next < reading.bodies.size() && reading.ranks[next] == reading.ranks[line] &&
                    reading.read->lines[next].file == reading.read->lines[line].file;
  return same && reading.bodies[next].text.starts_with("what():") ? next : line;
}

Verdict DiagnoseAttempt(const Case& read, const Topology& topology) {
  Reading reading = Understand(read);
  Collectives collectives = FindCollectives(reading);
  const std::optional<Slowdown> slowdown = FindSlowdown(reading, topology);
  std::vector<Suspect> suspects = AllSuspects(reading, slowdown);
  AddMismatch(reading, collectives, &suspects);
  CallSkippedByName(reading, collectives, &suspects);
  const Suspect* chosen = Choose(reading, suspects);
  if (!chosen) {
    if (auto by_dumps = JudgeDumps(read); by_dumps && reading.finished.empty()) return *by_dumps;
    auto by_files = JudgeErrorFiles(read);
    return by_files && reading.finished.empty() ? *by_files : Healthy(reading);
  }
  Verdict verdict;
  verdict.healthy = false;
  verdict.failure = chosen->failure;
  verdict.kind = chosen->kind;
  Suspect told = *chosen;
  told.line = RootOf(reading, chosen->line);
  verdict.root = told.line;
  verdict.confidence = ConfidenceOf(*chosen);
  const bool slowed = slowdown && slowdown->failure == chosen->failure;
  Blame blame = slowed ? BlameOf(*slowdown) : FindBlame(reading, *chosen, suspects, collectives);
  verdict.culprits = blame.ranks;
  if (!blame.ranks.empty()) verdict.culprit = CulpritOf(reading, *chosen, blame.ranks.front());
  const bool silent = FindKnownRanks(reading, collectives).all.size() > Complaining(suspects).size();
  CallSilentDeathByName(reading, *chosen, silent, &blame, &verdict);
  TellStory(reading, told, suspects, blame, &verdict);
  if (slowed) TellSlowdown(reading, *slowdown, &verdict);
  return verdict;
}

}  // namespace

Verdict Diagnose(const Case& read, const Topology& topology) {
  const std::vector<Attempt> attempts = SplitAttempts(read);
  if (attempts.empty()) return DiagnoseAttempt(read, topology);
  std::vector<Verdict> verdicts;
  verdicts.reserve(attempts.size());
  for (const Attempt& attempt : attempts) verdicts.push_back(DiagnoseAttempt(attempt.read, topology));
  Verdict story = StoryOf(attempts, std::move(verdicts), read.last_launch);
  return story.healthy || !MixesAttempts(read) ? story : DiagnoseAttempt(read, topology);
}

}  // namespace rankscope::diagnose
