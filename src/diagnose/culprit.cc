#include "diagnose/culprit.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <set>

#include "diagnose/known_ranks.h"
#include "diagnose/odd_call.h"
#include "diagnose/silence.h"
#include "diagnose/stacks.h"

namespace rankscope::diagnose {
namespace {

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

// "Rank 3, node …", "on rank 5", "--local_rank=0", "actor_train-3) pid=", "/job:jax_worker/replica:0/task:3".
std::optional<int32_t> NamedRank(std::string_view text) {
  static const re2::RE2 kRank(
      R"((?i)\b(?:global_|local_)?rank\s?[:=#]?\s?(\d{1,6})\b|\(\w+\(\w+-(\d{1,6})\) pid=|/job:(?:jax_)?worker/replica:\d+/task:(\d{1,6}))");
  re2::StringPiece digits[3];
  if (!re2::RE2::PartialMatch(Piece(text), kRank, &digits[0], &digits[1], &digits[2])) return std::nullopt;
  for (const re2::StringPiece& number : digits) {
    if (!number.empty()) return std::atoi(number.as_string().c_str());
  }
  return std::nullopt;
}

constexpr int32_t kSigabrt = 6, kSigkill = 9, kSigterm = 15;

// Those that died, not by the launcher's own SIGTERM.
std::vector<int32_t> OwnDeaths(const Reading& reading, std::optional<int32_t> signal) {
  std::vector<int32_t> ranks;
  std::set<int32_t> seen;
  const bool forced = EndedByLauncher(reading).by_sigkill;
  for (const Exit& exit : reading.exits) {
    auto rank = RankOf(exit);
    if (forced && exit.signal == kSigkill) continue;
    if (!rank || exit.signal == kSigterm || (signal && exit.signal != signal)) continue;
    if (seen.insert(*rank).second) ranks.push_back(*rank);
  }
  return ranks;
}

// Which failure torchelastic's tables, one a node, put first; of those of the same second it does not know the order.
std::optional<int32_t> FirstObserved(const Reading& reading) {
  const Exit* first = nullptr;
  bool alone = true;
  for (const Exit& exit : reading.exits) {
    if (exit.time.empty() || exit.signal == kSigterm) continue;
    alone = !first || (exit.time < first->time) || (alone && exit.time > first->time);
    if (!first || exit.time < first->time) first = &exit;
  }
  return first && alone ? RankOf(*first) : std::nullopt;
}

// srun tells of each task when it ends; of several ends in a row on one line it names none.
std::optional<int32_t> FirstOfSrun(const Reading& reading) {
  for (const Exit& exit : reading.exits) {
    if (reading.text(exit.line).find("srun: error:") == std::string_view::npos) return std::nullopt;
  }
  return reading.exits.empty() ? std::nullopt : RankOf(reading.exits.front());
}

// Of the ranks that say alike what the cause says, in the order in which they said it.
constexpr int kAlike = 3;

std::vector<int32_t> Fellows(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects) {
  std::vector<const Suspect*> same;
  for (const Suspect& suspect : suspects) {
    if (suspect.failure == cause.failure && suspect.score + kAlike >= cause.score && suspect.rank)
      same.push_back(&suspect);
  }
  std::stable_sort(same.begin(), same.end(),
                   [&](const Suspect* a, const Suspect* b) { return OrderOf(reading, *a) < OrderOf(reading, *b); });
  std::vector<int32_t> ranks;
  std::set<int32_t> seen;
  for (const Suspect* suspect : same) {
    if (seen.insert(*suspect->rank).second) ranks.push_back(*suspect->rank);
  }
  return ranks;
}

// Ranks without a word of waiting, when others complain.
std::vector<int32_t> Uncomplaining(const std::vector<Suspect>& suspects, const std::set<int32_t>& known) {
  const std::set<int32_t> complaining = Complaining(suspects);
  std::vector<int32_t> rest;
  std::set_difference(known.begin(), known.end(), complaining.begin(), complaining.end(), std::back_inserter(rest));
  if (complaining.empty() || rest.size() > complaining.size()) return {};
  return rest;
}

// When the ranks that failed are the victims, the launcher's SIGTERM went to the one they waited for.
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

// A rank that printed nothing has left no file, where each of the others has one and saw a peer close its connection.
std::optional<int32_t> RankWithoutFile(const Reading& reading, const std::vector<Suspect>& suspects,
                                       const Collectives& collectives) {
  std::set<int32_t> files, saw_it_go;
  for (const CaseFile& file : reading.read->files) {
    if (file.surroundings) continue;
    if (!file.rank || file.attempt) return std::nullopt;
    files.insert(*file.rank);
  }
  for (const Suspect& suspect : suspects) {
    if (suspect.rank && suspect.kind == "peer closed") saw_it_go.insert(*suspect.rank);
  }
  const auto next = static_cast<int32_t>(files.size());
  if (files.empty() || (collectives.world_size && next >= *collectives.world_size)) return std::nullopt;
  return saw_it_go == files && *files.rbegin() + 1 == next ? std::optional(next) : std::nullopt;
}

// The last step that each rank reported.
std::map<int32_t, int64_t> LastSteps(const Reading& reading) {
  std::map<int32_t, int64_t> steps;
  for (const Point& point : reading.points) {
    if (point.rank && point.step && !point.evaluation) steps[*point.rank] = *point.step;
  }
  return steps;
}

Blame OfVictims(const Reading& reading, const std::vector<Suspect>& suspects, const Collectives& collectives) {
  LateRanks late = FindLateRanks(reading, collectives);
  if (!late.ranks.empty()) return {late.ranks, late.why, {}};
  if (auto ahead = RankAhead(reading)) return {{*ahead}, "it went on to a later step than all others", {}};
  if (OddCall odd = FindOddCall(reading, suspects); !odd.ranks.empty()) return {odd.ranks, odd.why, {}};
  if (OddStacks odd = FindOddStacks(reading); !odd.ranks.empty()) return {odd.ranks, odd.why, {}};
  const std::set<int32_t> known = FindKnownRanks(reading, collectives).all;
  std::vector<int32_t> silent = Uncomplaining(suspects, known);
  if (!silent.empty()) return {silent, "every other rank complains that it waited", {}};
  std::vector<int32_t> survivors = Survivors(reading, suspects, known);
  if (!survivors.empty())
    return {survivors, "the ranks that failed had waited; this one was ended by the launcher", {}};
  if (auto next = RankWithoutFile(reading, suspects, collectives))
    return {{*next}, "every rank that has a file saw a peer go, so that it is one that has none", {}};
  return {{},
          "",
          {"the logs of every rank", "stacks of all ranks while they wait (rankscope dump-stacks JOB)",
           "flight-recorder dumps (TORCH_FR_BUFFER_SIZE=2000)"}};
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

// Room for one number: of a metric that all ranks report, and which who sent something else has left out. No more: a
// ring cuts a few numbers into pieces of two.
constexpr int64_t kScalarBytes = 4;

bool ExpectedScalar(std::string_view text) {
  static const re2::RE2 kBytes(R"(op\.nbytes\. \d+ vs (\d+))");
  int64_t expected = 0;
  return re2::RE2::PartialMatch(Piece(text), kBytes, &expected) && expected <= kScalarBytes;
}

// `aborted`: the ranks that received more than they had room for. In gloo's ring a rank receives from the next one.
Blame OfGlooSizes(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects,
                  const Collectives& collectives, const std::vector<int32_t>& aborted) {
  if (OddCall odd = FindOddCall(reading, suspects); !odd.ranks.empty()) return {odd.ranks, odd.why, {}};
  if (aborted.size() != 1) return {};
  const int32_t rank = aborted.front();
  const auto world = static_cast<int32_t>(FindKnownRanks(reading, collectives).all.size());
  if (world > 1 && ExpectedScalar(reading.text(cause.line))) {
    return {{(rank + 1) % world}, "rank " + std::to_string(rank) + " expected one number from it and got more", {}};
  }
  // Who got more than it expects is the one that expects less than all others, more often than not.
  return {{rank}, "it alone received more than it expected", {}};
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
    auto rank = RankOf(exit);
    bool of_cause = exit.line == cause.line || exit.code_line == cause.line;
    if (of_cause && rank) return {{*rank}, "the launcher saw it end so", {}};
  }
  return {};
}

// The store of a process group is rank 0's.
bool IsOfStore(const Reading& reading, const Suspect& cause) {
  std::string_view text = reading.text(cause.line);
  return cause.kind == "port in use" &&
         (text.find("[c10d]") != std::string_view::npos || text.find("server socket") != std::string_view::npos);
}

Blame OfExits(const Reading& reading, const Suspect& cause) {
  if (Blame own = OfItsExit(reading, cause); !own.ranks.empty()) return own;
  std::vector<int32_t> dead = OwnDeaths(reading, SignalOf(cause));
  if (dead.size() == 1) return {dead, "it is the only one that ended by itself", {}};
  if (auto first = FirstObserved(reading)) return {{*first}, "the launcher saw it fail first", {}};
  if (auto first = FirstOfSrun(reading)) return {{*first}, "it is the first task that ended", {}};
  return {{}, "", {"the logs of every rank by themselves (torchrun --log-dir DIR --redirects 3)"}};
}

// torchelastic's error files hold the message that their rank ended with.
std::optional<int32_t> WhoLeftErrorFile(const Reading& reading, const Suspect& cause) {
  std::string_view said = reading.bodies[cause.line].text;
  for (const ErrorFile& file : reading.read->error_files) {
    if (file.rank && !file.message.empty() && file.message.find(said) != std::string::npos) return file.rank;
  }
  return std::nullopt;
}

// A dump names its process by the command line above the stack.
std::optional<int32_t> RankAbove(const Reading& reading, size_t line) {
  constexpr size_t kHeader = 6;
  for (size_t back = 1; back <= std::min(line, kHeader); ++back) {
    if (auto rank = NamedRank(reading.text(line - back))) return rank;
  }
  return std::nullopt;
}

// Who names the rank some lines below: DistributedDataParallel ("Parameter indices which did not receive grad for rank
// 1"), and Ray by the name of the actor, which verl ends with its place in its group: "name: x1WorkerDict_0:1".
std::optional<int32_t> RankBelow(const Reading& reading, size_t line) {
  static const re2::RE2 kRank(R"((?:did not receive grad for rank |\bname: \w*WorkerDict_0:)(\d{1,6}))");
  constexpr size_t kMessage = 6;
  int32_t rank = 0;
  for (size_t i = line; i < std::min(line + kMessage, reading.bodies.size()); ++i) {
    if (re2::RE2::PartialMatch(Piece(reading.text(i)), kRank, &rank)) return rank;
  }
  return std::nullopt;
}

// The kernel names a process, not a rank; launchers' tables know both.
std::optional<int32_t> RankOfPid(const Reading& reading, size_t line) {
  static const re2::RE2 kPid(R"((?i)\bpid=(\d+)|killed process (\d+))");
  re2::StringPiece digits[2];
  if (!re2::RE2::PartialMatch(Piece(reading.text(line)), kPid, &digits[0], &digits[1])) return std::nullopt;
  const std::string pid = "(pid: " + (digits[0].empty() ? digits[1] : digits[0]).as_string() + ")";
  for (const Exit& exit : reading.exits) {
    bool its = reading.text(exit.line).find(pid) != std::string_view::npos ||
               reading.text(exit.code_line).find(pid) != std::string_view::npos;
    if (auto rank = RankOf(exit); its && rank) return rank;
  }
  return std::nullopt;
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

}  // namespace

std::optional<int32_t> RankAhead(const Reading& reading) {
  std::map<int32_t, int64_t> steps = LastSteps(reading);
  if (steps.size() < 2) return std::nullopt;
  auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  auto most = std::max_element(steps.begin(), steps.end(), less);
  auto next = std::count_if(steps.begin(), steps.end(), [&](const auto& s) { return s.second == most->second; });
  return next == 1 ? std::optional<int32_t>(most->first) : std::nullopt;
}

bool IsVictimsWord(const Suspect& suspect) {
  if (suspect.role == Role::kCascade && suspect.failure != "python_exception_one_rank") return true;
  return suspect.failure == "nccl_timeout" || suspect.failure == "gloo_error" || suspect.kind == "remote" ||
         suspect.kind == kSkippedCollective || (suspect.failure == "process_hung" && suspect.kind == "start");
}

Blame FindBlame(const Reading& reading, const Suspect& cause, const std::vector<Suspect>& suspects,
                const Collectives& collectives) {
  std::vector<int32_t> fellows = Fellows(reading, cause, suspects);
  if (cause.kind == "gloo sizes") {
    if (fellows.empty()) fellows = OwnDeaths(reading, kSigabrt);
    if (Blame blame = OfGlooSizes(reading, cause, suspects, collectives, fellows); !blame.ranks.empty()) return blame;
  }
  if (IsVictimsWord(cause) || cause.failure == "collective_mismatch_hang") {
    return OfVictims(reading, suspects, collectives);
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
  if (!fellows.empty()) return {fellows, fellows.size() == 1 ? "it says so itself" : "it says so first", {}};
  if (Blame own = OfItsExit(reading, cause); !own.ranks.empty()) return own;
  if (IsOfStore(reading, cause)) return {{0}, "rank 0 listens for the others", {}};
  if (auto named = NamedRank(reading.text(cause.line)); named && cause.role != Role::kOutcome) {
    return {{*named}, "the line names it", {}};
  }
  if (auto rank = RankOfPid(reading, cause.line)) return {{*rank}, "the line names its process", {}};
  if (cause.failure == "gpu_hardware_xid_ecc") {
    if (auto rank = FirstToFailOf(reading, cause, suspects)) return {{*rank}, "it failed first on that host", {}};
  }
  if (auto wrote = WhoLeftErrorFile(reading, cause)) return {{*wrote}, "its error file has the same message", {}};
  if (cause.failure == "unused_parameters_ddp" || cause.kind == "launcher") {
    if (auto below = RankBelow(reading, cause.line)) return {{*below}, "the message names it", {}};
  }
  if (cause.kind == "stack") {
    if (auto above = RankAbove(reading, cause.line)) return {{*above}, "the stack is its", {}};
  }
  return OfExits(reading, cause);
}

}  // namespace rankscope::diagnose
