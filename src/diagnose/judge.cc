#include <algorithm>
#include <set>

#include "diagnose/collectives/collectives.h"
#include "diagnose/collectives/flight_comparison.h"
#include "diagnose/collectives/flight_verdict.h"
#include "diagnose/collectives/odd_call.h"
#include "diagnose/reading/attempts.h"
#include "diagnose/reading/jobs.h"
#include "diagnose/reading/reading.h"
#include "diagnose/slowness/slowdown.h"
#include "diagnose/slowness/slowdown_story.h"
#include "diagnose/suspects/culprit.h"
#include "diagnose/suspects/curves.h"
#include "diagnose/suspects/ends_by_others.h"
#include "diagnose/suspects/hang.h"
#include "diagnose/suspects/known_ranks.h"
#include "diagnose/suspects/last_error.h"
#include "diagnose/suspects/last_words.h"
#include "diagnose/suspects/late_joining.h"
#include "diagnose/suspects/silence.h"
#include "diagnose/suspects/suspect.h"
#include "diagnose/suspects/victims.h"
#include "diagnose/verdict/error_file_verdict.h"
#include "diagnose/verdict/failure_class.h"
#include "diagnose/verdict/healthy_verdict.h"
#include "diagnose/verdict/memory_since.h"
#include "diagnose/verdict/node_words.h"
#include "diagnose/verdict/restart_plan.h"
#include "diagnose/verdict/silent_death.h"
#include "diagnose/verdict/story.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {
namespace {

// Below, a line may stand in any healthy log.
constexpr int kLeastScore = 28;
// Suspects so near to each other are told apart by who came first.
constexpr int kAsGood = 3;
// From here on a suspect explains a death, and what makes a living job slow is no matter any more.
constexpr int kExplainsDeath = 40;

bool IsOfSlowness(const Suspect& suspect) { return IsSlowness(suspect.failure); }

void DropSlownessOfTheDead(std::vector<Suspect>* suspects) {
  bool died = std::any_of(suspects->begin(), suspects->end(), [](const Suspect& s) {
    return !IsOfSlowness(s) && (s.score >= kExplainsDeath || IsVictimsWord(s));
  });
  if (died) std::erase_if(*suspects, IsOfSlowness);
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
  DemoteLateJoining(reading, &suspects);
  DemoteEndsByOthers(reading, &suspects);
  for (Suspect& course : FindCourses(reading)) suspects.push_back(std::move(course));
  if (auto hang = FindHang(reading)) suspects.push_back(std::move(*hang));
  if (auto error = FindLastError(reading)) suspects.push_back(std::move(*error));
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

// gloo aborts a rank that gets more than it has room for. Where its words are lost, as with the head of a log, several
// ranks that aborted at once while others saw peers go tell it; a fault of one process's own is that of one.
constexpr int kSeveralAborts = 70;

void AddAbortsOfGloo(const Reading& reading, std::vector<Suspect>* suspects) {
  const std::vector<int32_t> aborted = OwnDeaths(reading, kSigabrt);
  if (aborted.size() < 2 || SawItGo(*suspects).empty() || IsAnAbortAnnounced(reading)) return;
  auto abort = std::find_if(suspects->begin(), suspects->end(), [](const Suspect& s) { return s.kind == "SIGABRT"; });
  if (abort == suspects->end()) return;
  suspects->push_back({abort->line, "collective_mismatch_hang", "gloo sizes", Role::kSymptom, kSeveralAborts,
                       std::nullopt, Traceback::kNone,
                       "ranks that aborted at the same time as gloo does: " + std::to_string(aborted.size())});
}

// More than that a peer went, less than whatever a rank raised.
constexpr int kParting = 40;

// Of ranks that saw a peer go where no launcher tells how it ended: what that peer said last.
void AddPartingWord(const Reading& reading, const Collectives& collectives, std::vector<Suspect>* suspects) {
  if (!reading.exits.empty() || !reading.finished.empty() || SawItGo(*suspects).empty()) return;
  const std::set<int32_t> known = FindKnownRanks(reading, collectives).all;
  std::set<int32_t> silent = known;
  for (int32_t rank : Complaining(*suspects)) silent.erase(rank);
  if (auto line = FindPartingWord(reading, silent, known)) {
    suspects->push_back({*line, "python_exception_one_rank", "parting word", Role::kSymptom, kParting,
                         reading.ranks[*line], Traceback::kNone, "no other rank said so, and nothing followed"});
  }
}

double ConfidenceOf(const Suspect& suspect) {
  if (suspect.kind == "sigkill_unexplained") return 0.45;
  return std::min(0.97, suspect.score / 100.0 + (suspect.role == Role::kCause ? 0.04 : 0));
}

Culprit CulpritOf(const Reading& reading, const Suspect& cause, int32_t rank) {
  Culprit culprit{{}, rank, StepBefore(reading, cause.line, rank)};
  // Where rank 0 alone prints, its steps are everybody's.
  if (!culprit.step) culprit.step = StepBefore(reading, cause.line, {});
  for (size_t i = 0; i < reading.ranks.size() && !culprit.node_rank; ++i) {
    if (reading.ranks[i] == rank) culprit.node_rank = reading.read->lines[i].node_rank;
  }
  return culprit;
}

// A kernel's assertion names no rank; the only one that says what it met is it.
std::optional<int32_t> WhoAloneSaysSo(const Suspect& cause, const std::vector<Suspect>& suspects) {
  std::set<int32_t> ranks;
  if (cause.kind != "kernel assertion") return std::nullopt;
  for (const Suspect& suspect : suspects) {
    const bool same = suspect.failure == cause.failure && suspect.role <= Role::kSymptom;
    if (same && suspect.rank) ranks.insert(*suspect.rank);
  }
  return ranks.size() == 1 ? std::optional(*ranks.begin()) : std::nullopt;
}

// Who tells that the host's memory ran out may name no process that a rank is known of; its peers saw it go.
Blame FindCulprit(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects,
                  const Collectives& collectives) {
  Blame blame = FindBlame(reading, cause, suspects, collectives);
  const bool reason_told = cause.failure == "sigterm_preempted" && !IsSignal(cause);
  if (blame.ranks.empty() && reason_told) return {};  // a scheduler's: no rank is to blame, and nothing is open
  if (auto alone = WhoAloneSaysSo(cause, suspects); alone && blame.ranks.empty())
    return {{*alone}, "no other rank speaks of it", {}};
  const bool seen_by_peers =
      std::any_of(suspects.begin(), suspects.end(), [](const Suspect& s) { return s.rank && IsVictimsWord(s); });
  if (!blame.ranks.empty() || cause.failure != "host_oom_killed" || !seen_by_peers) return blame;
  Blame seen = BlameOfVictims(reading, suspects, collectives);
  return seen.ranks.empty() ? blame : seen;
}

// Which node it began on, where nothing tells the rank: of several, the one whose own words the cause is. Figures are
// no words.
std::optional<Culprit> NodeOf(const Reading& reading, const Suspect& cause) {
  const auto& lines = reading.read->lines;
  const std::optional<int32_t> node = lines[cause.line].node_rank;
  const bool others = std::any_of(lines.begin(), lines.end(),
                                  [&](const Line& line) { return line.node_rank && line.node_rank != node; });
  const bool own_words = cause.why.empty() && !IsVictimsWord(cause) && !IsSignal(cause) && !IsOfSlowness(cause);
  if (!node || !others || !own_words) return std::nullopt;
  return Culprit{node, {}, StepBefore(reading, cause.line, {})};
}

// A wait for a rank that has gone on without the others, or waits elsewhere, is one for a collective that it left out;
// where all waited, for one that they did not issue alike.
void CallSkippedByName(const Reading& reading, const Collectives& collectives, std::vector<Suspect>* suspects) {
  auto dumps = CompareDumps(reading.read->dumps);
  bool other = dumps && dumps->kind == FlightDisagreement::Kind::kOther;
  const KnownRanks known = FindKnownRanks(reading, collectives);
  const OddCall odd = FindOddCall(reading, *suspects, known.all);
  other = other || RankAhead(reading) || !odd.ranks.empty();
  other = other || (odd.differ && Complaining(*suspects) == known.all);
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

// Of what a launcher raises, the line that says how the process ended which it saw first.
size_t RootOfLauncher(const Reading& reading, const Suspect& raised) {
  const Exit* told = nullptr;
  for (const Exit& exit : reading.exits) {
    const bool badly = exit.code.value_or(0) != 0 || exit.signal;
    if (badly && (!told || (exit.first_observed && !told->first_observed))) told = &exit;
  }
  return told ? std::max(told->line, told->code_line) : raised.line;
}

size_t RootOfTable(const Reading& reading, size_t line) {
  auto row = std::find_if(reading.exits.begin(), reading.exits.end(),
                          [&](const Exit& exit) { return exit.code_line == line; });
  return row == reading.exits.end() ? line : FirstOfTable(reading, *row).code_line;
}

// What C++ threw stands behind the line that names its type.
size_t RootOf(const Reading& reading, const Suspect& suspect) {
  if (suspect.kind == "launcher") return RootOfLauncher(reading, suspect);
  const size_t line = suspect.line;
  const size_t next = line + 1;
  const bool thrown = reading.bodies[line].text.starts_with("terminate called after throwing");
  const bool same = thrown && next < reading.bodies.size() && reading.ranks[next] == reading.ranks[line] &&
                    reading.read->lines[next].file == reading.read->lines[line].file;
  return same && reading.bodies[next].text.starts_with("what():") ? next : RootOfTable(reading, line);
}

// `after_silence`: nothing tells of the end of the attempt before it.
Verdict DiagnoseAttempt(const Case& read, const Topology& topology, bool after_silence) {
  Reading reading = Understand(read);
  Collectives collectives = FindCollectives(reading);
  const std::optional<Slowdown> slowdown = FindSlowdown(reading, topology);
  std::vector<Suspect> suspects = AllSuspects(reading, slowdown);
  AddMismatch(reading, collectives, &suspects);
  AddAbortsOfGloo(reading, &suspects);
  AddPartingWord(reading, collectives, &suspects);
  CallSkippedByName(reading, collectives, &suspects);
  const Suspect* chosen = Choose(reading, suspects);
  if (!chosen) {
    if (auto by_dumps = JudgeDumps(read); by_dumps && reading.finished.empty()) return *by_dumps;
    auto by_files = JudgeErrorFiles(read);
    return by_files && reading.finished.empty() ? *by_files : HealthyVerdict(reading);
  }
  Verdict verdict;
  verdict.healthy = false;
  verdict.failure = chosen->failure;
  verdict.kind = chosen->kind;
  Suspect told = *chosen;
  told.line = RootOf(reading, *chosen);
  verdict.root = told.line;
  verdict.confidence = ConfidenceOf(*chosen);
  const bool slowed = slowdown && slowdown->failure == chosen->failure;
  Blame blame = slowed ? BlameOf(*slowdown) : FindCulprit(reading, *chosen, suspects, collectives);
  verdict.confidence = std::min(verdict.confidence, blame.confidence);
  verdict.culprits = blame.ranks;
  verdict.culprit = blame.ranks.empty() ? NodeOf(reading, *chosen) : CulpritOf(reading, *chosen, blame.ranks.front());
  const bool silent = FindKnownRanks(reading, collectives).all.size() > Complaining(suspects).size();
  CallSilentDeathByName(reading, *chosen, silent, &blame, &verdict);
  if (after_silence) CallSilentAttemptByName(reading, *chosen, &blame, &verdict);
  TellStory(reading, told, suspects, blame, &verdict);
  if (std::string place = PlaceOfCulprit(reading, told.line, verdict); !place.empty())
    verdict.figures.push_back(std::move(place));
  if (slowed) TellSlowdown(reading, *slowdown, &verdict);
  return verdict;
}

Verdict DiagnoseJob(const Case& read, const Topology& topology) {
  const std::vector<Attempt> attempts = SplitAttempts(read);
  if (attempts.empty()) return DiagnoseAttempt(read, topology, LeftNoWordBefore(read));
  std::vector<Verdict> verdicts;
  verdicts.reserve(attempts.size());
  for (const Attempt& attempt : attempts) {
    const bool after_silence = !verdicts.empty() && StopsShort(verdicts.back());
    verdicts.push_back(DiagnoseAttempt(attempt.read, topology, after_silence));
  }
  Verdict story = StoryOf(attempts, verdicts, read.last_launch);
  TellMemorySince(attempts, verdicts, &story);
  return story.healthy || !MixesAttempts(read) ? story : DiagnoseAttempt(read, topology, /*after_silence=*/false);
}

}  // namespace

Verdict Diagnose(const Case& read, const Topology& topology) {
  const std::vector<JobCase> jobs = SplitJobs(read);
  if (jobs.empty()) return DiagnoseJob(read, topology);
  std::vector<Verdict> verdicts;
  verdicts.reserve(jobs.size());
  for (const JobCase& job : jobs) verdicts.push_back(DiagnoseJob(job.read, topology));
  return StoryOfJobs(jobs, verdicts);
}

}  // namespace rankscope::diagnose
