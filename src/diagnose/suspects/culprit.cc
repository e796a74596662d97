#include "diagnose/suspects/culprit.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <set>

#include "diagnose/collectives/gloo_sizes.h"
#include "diagnose/collectives/nccl_writer.h"
#include "diagnose/reading/stacks.h"
#include "diagnose/suspects/fellows.h"
#include "diagnose/suspects/hang.h"
#include "diagnose/suspects/known_ranks.h"
#include "diagnose/suspects/silence.h"
#include "diagnose/suspects/victims.h"
#include "diagnose/suspects/whose_line.h"

namespace rankscope::diagnose {
namespace {

constexpr std::string_view kUnlikeParameters = "parameters differ";

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// srun tells of each task when it ends; of several ends in a row on one line it names none.
std::optional<int32_t> FirstOfSrun(const Reading& reading) {
  for (const Exit& exit : reading.exits) {
    if (reading.text(exit.line).find("srun: error:") == std::string_view::npos) return std::nullopt;
  }
  return reading.exits.empty() ? std::nullopt : RankOf(reading.exits.front());
}

// Their stacks do not tell them apart: who has not got so far keeps the others waiting.
Blame OfHungAlike(const Reading& reading) {
  std::map<int32_t, int64_t> steps = LastSteps(reading);
  auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  auto behind = std::min_element(steps.begin(), steps.end(), less);
  auto as_far = [&](const auto& s) { return s.second == behind->second; };
  if (steps.size() > 1 && std::count_if(steps.begin(), steps.end(), as_far) == 1)
    return {{behind->first}, "it is a step behind all others", {}};
  return {{},
          "",
          {"flight-recorder dumps (TORCH_FR_BUFFER_SIZE=2000): who has not come to the collective",
           "stacks of all ranks while they stand (rankscope dump-stacks JOB, py-spy dump --native)"}};
}

std::optional<int32_t> SignalOf(const Suspect& cause) {
  if (cause.kind == "sigkill_unexplained") return 9;
  if (cause.kind == "SIGSEGV") return 11;
  if (cause.kind == "SIGABRT") return 6;
  if (cause.kind == "SIGBUS") return 7;
  if (cause.kind == "SIGFPE") return 8;
  if (cause.kind == "SIGILL") return 4;
  return std::nullopt;
}

Blame OfItsExit(const Reading& reading, const Suspect& cause) {
  for (const Exit& exit : reading.exits) {
    auto rank = RankOf(FirstOfTable(reading, exit));
    bool of_cause = exit.line == cause.line || exit.code_line == cause.line;
    if (of_cause && rank) return {{*rank}, "the launcher saw it end so", {}};
  }
  return {};
}

// The store of a process group is rank 0's, but for a launcher that has one.
constexpr double kAbsentStore = 0.6;

bool IsOfStore(const Reading& reading, const Suspect& cause) {
  std::string_view text = reading.text(cause.line);
  return cause.kind == "port in use" &&
         (text.find("[c10d]") != std::string_view::npos || text.find("server socket") != std::string_view::npos);
}

// Nobody reached the store: rank 0, which is to have it, says nothing of that, and the others do.
bool WasStoreAbsent(const Reading& reading, const Suspect& cause, const Collectives& collectives,
                    const std::vector<int32_t>& fellows) {
  const bool reached = std::find(fellows.begin(), fellows.end(), 0) != fellows.end();
  return cause.kind == "store unreachable" && !fellows.empty() && !reached &&
         reading.text(cause.line).find("client socket has timed out") != std::string_view::npos &&
         FindKnownRanks(reading, collectives).all.count(0) > 0;
}

// Of what a process raised, those that the launcher of its node saw end, at its place there as far as lines tell it.
void KeepThoseOfItsPlace(const Reading& reading, const Suspect& cause, std::vector<int32_t>* dead) {
  const auto& lines = reading.read->lines;
  const Line& said = lines[cause.line];
  auto differ = [](const std::optional<int32_t>& a, const std::optional<int32_t>& b) { return a && b && a != b; };
  std::erase_if(*dead, [&](int32_t rank) {
    return std::none_of(reading.exits.begin(), reading.exits.end(), [&](const Exit& exit) {
      return RankOf(exit) == rank && !differ(lines[exit.line].node_rank, said.node_rank) &&
             !differ(exit.local_rank, said.local_rank);
    });
  });
}

Blame OfExits(const Reading& reading, const Suspect& cause) {
  if (Blame own = OfItsExit(reading, cause); !own.ranks.empty()) return own;
  std::vector<int32_t> dead = OwnDeaths(reading, SignalOf(cause));
  KeepThoseOfItsPlace(reading, cause, &dead);
  if (dead.size() == 1) return {dead, "it is the only one that ended by itself", {}};
  if (auto first = FirstObserved(reading)) return {{*first}, "the launcher saw it fail first", {}};
  if (auto first = FirstOfSrun(reading)) return {{*first}, "it is the first task that ended", {}};
  constexpr char kLogs[] = "the logs of every rank by themselves (torchrun --log-dir DIR --redirects 3)";
  if (dead.size() == 2 && cause.traceback != Traceback::kNone)
    return OneOf(dead, "both ended by themselves, and no line tells which of them raised it", {kLogs});
  return {{}, "", {kLogs}};
}

// Of what the host says without naming a rank, its first rank to fail by its own words is the one.
std::optional<int32_t> FirstToFailOf(const Reading& reading, const Suspect& cause,
                                     const std::vector<Suspect>& suspects) {
  const auto& node = reading.read->lines[cause.line].node_rank;
  const Suspect* first = nullptr;
  for (const Suspect& suspect : suspects) {
    bool own = suspect.rank && suspect.role <= Role::kSymptom && !IsVictimsWord(suspect);
    if (!own || (node && reading.read->lines[suspect.line].node_rank != node)) continue;
    if (!first || OrderOf(reading, suspect) < OrderOf(reading, *first)) first = &suspect;
  }
  return first ? first->rank : std::nullopt;
}

// Every rank that reports its speed does so of its own slowing, or one alone reports.
bool DoAllSlowAlike(const Reading& reading, const std::vector<int32_t>& slowing) {
  std::set<int32_t> reporting;
  for (const Point& point : reading.points) {
    if (point.rank && !point.evaluation && (point.step_time_s || point.throughput)) reporting.insert(*point.rank);
  }
  return slowing.size() >= reporting.size();
}

// "RuntimeError: [2]: params[0] in this process with sizes ..."
std::optional<int32_t> WhoseParameters(const Reading& reading, const Suspect& suspect) {
  static const re2::RE2 kRank(R"(\[(\d{1,6})\]: params\[\d+\] in this process)");
  int32_t rank = 0;
  if (re2::RE2::PartialMatch(Piece(reading.text(suspect.line)), kRank, &rank)) return rank;
  return suspect.rank;
}

// Each compares its model with rank 0's.
Blame OfParameters(const Reading& reading, const std::vector<Suspect>& suspects, const Collectives& collectives) {
  std::set<int32_t> others = FindKnownRanks(reading, collectives).all, unlike;
  others.erase(0);
  for (const Suspect& suspect : suspects) {
    const auto rank = suspect.kind == kUnlikeParameters ? WhoseParameters(reading, suspect) : std::nullopt;
    if (rank) unlike.insert(*rank);
  }
  if (unlike.size() > 1 && unlike == others) return {{0}, "the parameters of all others are unlike its own", {}};
  if (unlike == others && unlike.size() == 1)
    return OneOf({*unlike.begin(), 0}, "their parameters differ", {"how each of the two built its model"});
  return {{unlike.begin(), unlike.end()}, "its parameters are not those of rank 0", {}};
}

// Somebody ended several ranks from outside.
bool WereAllSignalled(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects) {
  if (!IsSignal(cause)) return false;
  std::set<int32_t> signalled;
  for (const Suspect& suspect : suspects) {
    if (IsSignal(suspect) && suspect.rank) signalled.insert(*suspect.rank);
  }
  const bool by_launcher = EndedByLauncher(reading).by_sigterm;
  for (const Exit& exit : reading.exits) {
    if (auto rank = RankOf(exit); rank && exit.signal == kSigterm && !by_launcher) signalled.insert(*rank);
  }
  return signalled.size() > 1;
}

}  // namespace

bool IsVictimsWord(const Suspect& suspect) {
  if (suspect.role == Role::kCascade && suspect.failure != "python_exception_one_rank") return true;
  return suspect.failure == "nccl_timeout" || suspect.failure == "gloo_error" || suspect.kind == "remote" ||
         suspect.kind == kSkippedCollective || (suspect.failure == "process_hung" && suspect.kind == "start");
}

Blame OneOf(std::vector<int32_t> ranks, std::string why, std::vector<std::string> would_settle) {
  const double each = ranks.empty() ? 1 : 1.0 / static_cast<double>(ranks.size());
  return {std::move(ranks), std::move(why), std::move(would_settle), each};
}

Blame FindBlame(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects,
                const Collectives& collectives) {
  if (WereAllSignalled(reading, cause, suspects)) return {{}, "", {"who sent the signal: the scheduler's log"}};
  const std::vector<const Suspect*> same = FindFellows(reading, cause, suspects);
  std::vector<int32_t> fellows = RanksOf(same);
  if (cause.kind == "gloo sizes") {
    if (fellows.empty()) fellows = OwnDeaths(reading, kSigabrt);
    Blame blame = OfGlooSizes(reading, suspects, collectives, fellows);
    if (!blame.ranks.empty() || !blame.would_settle.empty()) return blame;
  }
  if (cause.kind == kUnlikeParameters) {
    if (Blame unlike = OfParameters(reading, suspects, collectives); !unlike.ranks.empty()) return unlike;
  }
  if (cause.failure == "process_hung" && cause.kind == "start") {
    if (auto others = WhoHasNotCome(reading); !others.empty())
      return {std::move(others), "all others wait, and it never said that it does", {}};
  }
  if (IsVictimsWord(cause) || (cause.failure == "collective_mismatch_hang" && cause.kind != "stack")) {
    return BlameOfVictims(reading, suspects, collectives);
  }
  // Who measures the ranks is seldom the slow one.
  if (cause.failure == "straggler") {
    if (auto named = NamedRank(reading.bodies[cause.line].text)) return {{*named}, "the report names it", {}};
  }
  if (cause.kind == "stack" || cause.kind == "stack dump" || cause.kind == kSilence) {
    if (OddStacks odd = FindOddStacks(reading); !odd.ranks.empty()) return {odd.ranks, odd.why, {}};
    Interrupted interrupted = cause.kind == kSilence ? FindInterrupted(reading) : Interrupted();
    if (!interrupted.ranks.empty()) return {interrupted.ranks, interrupted.why, {}};
    if (cause.kind == kSilence || FindStacks(reading).size() > 1) return OfHungAlike(reading);
  }
  const bool slow = cause.failure == "throughput_decay" || cause.failure == "data_loading_bottleneck";
  if (slow && DoAllSlowAlike(reading, fellows))
    return {{}, "", {"compute_time_s and data_time_s of every rank: whose own work grew"}};
  if (WasStoreAbsent(reading, cause, collectives, fellows))
    return {{0}, "rank 0 listens for the others, and did not", {}, kAbsentStore};
  if (!same.empty()) return OfFellows(reading, same, collectives);
  if (Blame own = OfItsExit(reading, cause); !own.ranks.empty()) return own;
  if (IsOfStore(reading, cause)) return {{0}, "rank 0 listens for the others", {}};
  if (auto named = NamedRank(reading.text(cause.line)); named && cause.role != Role::kOutcome) {
    return {{*named}, "the line names it", {}};
  }
  // Who cannot reach a peer is as often the victim.
  if (cause.failure != "nccl_system_error") {
    if (auto rank = RankOfNcclLine(reading, cause.line)) return {{*rank}, "the line is its process's", {}};
  }
  if (auto rank = RankOfPid(reading, cause.line)) return {{*rank}, "the line names its process", {}};
  if (cause.failure == "gpu_hardware_xid_ecc") {
    if (auto rank = FirstToFailOf(reading, cause, suspects)) return {{*rank}, "it failed first on that host", {}};
  }
  if (auto wrote = WhoLeftErrorFile(reading, cause)) return {{*wrote}, "its error file has the same message", {}};
  if (auto repeats = WhoRepeats(reading, cause)) return {{*repeats}, "it repeats the message", {}};
  if (cause.failure == "unused_parameters_ddp" || cause.failure == "nccl_cuda_error") {
    if (auto below = RankBelow(reading, cause.line)) return {{*below}, "the message names it", {}};
  }
  if (cause.kind == "launcher") {
    if (auto actor = ActorThatDied(reading)) return {{*actor}, "it is the actor that died", {}};
  }
  if (auto alike = NamedAlike(reading, cause, suspects)) return {{*alike}, "what says alike names it", {}};
  if (cause.kind == "stack") {
    if (auto above = RankAbove(reading, cause.line)) return {{*above}, "the stack is its", {}};
  }
  // All ranks have one loss and one scale.
  if (cause.failure == "loss_spike_or_divergence" || cause.failure == "grad_overflow_loss_scale") return {};
  if (auto below = WhoRaisedBelow(reading, cause)) return {{*below}, "it alone raised what came of that", {}};
  return OfExits(reading, cause);
}

}  // namespace rankscope::diagnose
