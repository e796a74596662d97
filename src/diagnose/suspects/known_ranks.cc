#include "diagnose/suspects/known_ranks.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <utility>

#include "diagnose/suspects/culprit.h"
#include "diagnose/suspects/victims.h"

namespace rankscope::diagnose {
namespace {

// As tables name them, "(pid: 4711)": those to which torchelastic says it sent a signal.
std::set<std::string> ProcessesEnded(const Reading& reading) {
  static const re2::RE2 kEnding(R"(Sending process (\d+) closing signal)");
  std::set<std::string> ended;
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    std::string pid;
    const std::string_view text = reading.text(i);
    if (re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kEnding, &pid))
      ended.insert("(pid: " + pid + ")");
  }
  return ended;
}

// A launcher that starts its ranks again sees the first of them fail once in each attempt.
bool AreOfOneAttempt(const Reading& reading) {
  std::set<std::pair<uint32_t, int32_t>> launchers;  // by file and node
  return std::all_of(reading.exits.begin(), reading.exits.end(), [&](const Exit& exit) {
    const Line& line = reading.read->lines[exit.line];
    const bool first = line.text.find("failed (exitcode: ") != std::string_view::npos;
    return !first || launchers.emplace(line.file, line.node_rank.value_or(0)).second;
  });
}

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

// None: the end of one is told without its rank, so that it may be any.
std::optional<std::set<int32_t>> RanksThatFailed(const Reading& reading) {
  std::set<int32_t> failed;
  for (const Exit& exit : reading.exits) {
    auto rank = RankOf(exit);
    if (!rank) return std::nullopt;
    if (exit.signal || exit.code.value_or(0) != 0) failed.insert(*rank);
  }
  return failed;
}

bool IsBehind(const Reading& reading, int32_t rank) {
  const std::map<int32_t, int64_t> steps = LastSteps(reading);
  auto own = steps.find(rank);
  return own != steps.end() &&
         std::any_of(steps.begin(), steps.end(), [&](const auto& other) { return other.second > own->second; });
}

bool IsOf(const Reading& reading, const Exit& exit, const std::string& process) {
  return reading.text(exit.code_line).find(process) != std::string_view::npos;
}

bool IsOfSrun(const Reading& reading, const Exit& exit) {
  return reading.text(exit.line).find("srun: error:") != std::string_view::npos;
}

// The first line in which Slurm ends the step.
std::optional<size_t> WhenSlurmEndsTheStep(const Reading& reading) {
  constexpr std::string_view kWords[] = {"srun: Terminating ", "srun: Job step aborted", "slurmstepd: error: *** STEP"};
  for (size_t i = 0; i < reading.bodies.size(); ++i) {
    const std::string_view text = reading.text(i);
    auto says = [&](std::string_view words) { return text.find(words) != std::string_view::npos; };
    if (std::any_of(std::begin(kWords), std::end(kWords), says)) return i;
  }
  return std::nullopt;
}

// mpirun tells of the first process alone that ended by a signal, and ends the others.
bool IsOfMpirun(const Reading& reading, const Exit& exit) {
  return reading.text(exit.line).find("noticed that process rank") != std::string_view::npos;
}

// The task that SIGTERM ended first of all, before its launcher ended the others for it or they failed.
const Exit* TaskEndedFromOutside(const Reading& reading) {
  const auto& exits = reading.exits;
  if (exits.empty() || !exits.front().rank || exits.front().signal != kSigterm) return nullptr;
  const Exit& first = exits.front();
  if (IsOfMpirun(reading, first)) return &first;
  if (!std::all_of(exits.begin(), exits.end(), [&](const Exit& exit) { return IsOfSrun(reading, exit); }))
    return nullptr;
  auto failed = [](const Exit& exit) { return exit.code.value_or(0) != 0; };
  const auto step = WhenSlurmEndsTheStep(reading);
  const bool before =
      step ? IsKnownToFollow(reading, *step, first.line) : std::any_of(exits.begin(), exits.end(), failed);
  return before ? &first : nullptr;
}

// torch 1.13's table leaves out those that its launcher ended.
size_t CountUntoldEnds(const Reading& reading) {
  const std::set<std::string> ended = ProcessesEnded(reading);
  return std::count_if(ended.begin(), ended.end(), [&](const std::string& process) {
    return std::none_of(reading.exits.begin(), reading.exits.end(),
                        [&](const Exit& exit) { return IsOf(reading, exit, process); });
  });
}

// A launcher tells of the ranks of its own node. Of a rank whose node no line tells, that of each node must have.
bool DidItsLauncherSpeak(const Reading& reading, int32_t rank) {
  std::set<int32_t> own, all, told;
  for (size_t i = 0; i < reading.ranks.size(); ++i) {
    const int32_t node = reading.read->lines[i].node_rank.value_or(0);
    all.insert(node);
    if (reading.ranks[i] == rank) own.insert(node);
  }
  for (const Exit& exit : reading.exits) told.insert(reading.read->lines[exit.line].node_rank.value_or(0));
  if (own.empty()) return told == all;
  return std::any_of(own.begin(), own.end(), [&](int32_t node) { return told.count(node) > 0; });
}

// Processes that launchers saw end, or ended. Where srun started the launchers, its tasks are these.
size_t CountEnds(const Reading& reading) {
  const size_t seen = RanksOfExits(reading).size();
  const bool tasks = std::any_of(reading.exits.begin(), reading.exits.end(),
                                 [&](const Exit& exit) { return IsOfSrun(reading, exit); });
  return seen == 0 || tasks || !AreOfOneAttempt(reading) ? seen : seen + CountUntoldEnds(reading);
}

}  // namespace

KnownRanks FindKnownRanks(const Reading& reading, const Collectives& collectives) {
  const std::set<int32_t> files = RanksOfFiles(reading), exits = RanksOfExits(reading);
  KnownRanks known{files, false};
  known.all.insert(exits.begin(), exits.end());
  for (const auto& rank : reading.ranks) {
    if (rank) known.all.insert(*rank);
  }
  const size_t ended = CountEnds(reading);
  int32_t world = std::max(collectives.world_size.value_or(0), static_cast<int32_t>(ended));
  world = std::max(world, collectives.highest_named + 1);
  if (!known.all.empty()) world = std::max(world, *known.all.rbegin() + 1);
  for (int32_t rank = 0; rank < world; ++rank) known.all.insert(rank);
  known.whole = collectives.world_size == world || files == known.all || ended == known.all.size();
  return known;
}

bool IsOfLateJoining(const Suspect& suspect) {
  const bool joins = suspect.kind == "connect" || suspect.failure == "rendezvous_failed";
  return joins && suspect.kind != "store lost" && suspect.role == Role::kCascade;
}

std::set<int32_t> Complaining(const std::vector<Suspect>& suspects) {
  std::set<int32_t> complaining;
  for (const Suspect& suspect : suspects) {
    if (suspect.rank && IsVictimsWord(suspect) && !IsOfLateJoining(suspect)) complaining.insert(*suspect.rank);
  }
  return complaining;
}

size_t CountUnnamed(const Reading& reading, const std::vector<Suspect>& suspects) {
  return std::count_if(suspects.begin(), suspects.end(), [&](const Suspect& suspect) {
    return !suspect.rank && IsVictimsWord(suspect) && suspect.traceback != Traceback::kNone &&
           reading.tracebacks.all[suspect.traceback].caused_by == Traceback::kNone;
  });
}

bool MayOthersComplain(const Reading& reading, const std::vector<Suspect>& suspects) {
  return CountUnnamed(reading, suspects) > Complaining(suspects).size();
}

std::set<int32_t> SawItGo(const std::vector<Suspect>& suspects) {
  std::set<int32_t> saw_it_go;
  for (const Suspect& suspect : suspects) {
    if (suspect.rank && suspect.kind == "peer closed") saw_it_go.insert(*suspect.rank);
  }
  return saw_it_go;
}

std::set<int32_t> WhoSaid(const Reading& reading, const std::vector<Suspect>& suspects, std::string_view words,
                          const std::function<bool(const Suspect&)>& among) {
  std::set<int32_t> ranks;
  for (const Suspect& suspect : suspects) {
    const bool said = reading.text(suspect.line).find(words) != std::string_view::npos;
    if (suspect.rank && said && among(suspect)) ranks.insert(*suspect.rank);
  }
  return ranks;
}

std::optional<int32_t> RankWithoutFile(const Reading& reading, const std::vector<Suspect>& suspects,
                                       const Collectives& collectives) {
  std::set<int32_t> files;
  for (const CaseFile& file : reading.read->files) {
    if (file.surroundings) continue;
    if (!file.rank || file.attempt) return std::nullopt;
    files.insert(*file.rank);
  }
  const auto next = static_cast<int32_t>(files.size());
  if (files.empty() || (collectives.world_size && next >= *collectives.world_size)) return std::nullopt;
  return SawItGo(suspects) == files && *files.rbegin() + 1 == next ? std::optional(next) : std::nullopt;
}

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

const Exit& FirstOfTable(const Reading& reading, const Exit& row) {
  if (row.code_line <= row.line || row.first_observed) return row;
  const auto& lines = reading.read->lines;
  const Line& of_row = lines[row.line];
  for (const Exit& exit : reading.exits) {
    const bool alike = exit.first_observed && exit.signal == row.signal && exit.code == row.code;
    const bool same = lines[exit.line].file == of_row.file && lines[exit.line].node_rank == of_row.node_rank;
    if (alike && same) return exit;
  }
  return row;
}

std::vector<int32_t> OwnDeaths(const Reading& reading, std::optional<int32_t> signal) {
  std::vector<int32_t> ranks;
  std::set<int32_t> seen;
  const bool forced = EndedByLauncher(reading).by_sigkill;
  bool failed = false;  // a task of srun's
  for (const Exit& exit : reading.exits) {
    auto rank = RankOf(exit);
    // srun ends tasks by force when others have failed; torchelastic says so.
    const bool by_srun = failed && IsOfSrun(reading, exit);
    failed = failed || exit.code.value_or(0) != 0;
    if ((forced || by_srun) && exit.signal == kSigkill) continue;
    if (!rank || exit.signal == kSigterm || (signal && exit.signal != signal)) continue;
    if (seen.insert(*rank).second) ranks.push_back(*rank);
  }
  return ranks;
}

std::vector<const Exit*> EndedFromOutside(const Reading& reading) {
  if (const Exit* task = TaskEndedFromOutside(reading)) return {task};
  const std::set<std::string> ended = ProcessesEnded(reading);
  if (ended.empty() || !EndedByLauncher(reading).by_sigterm) return {};
  std::vector<const Exit*> from_outside;
  for (const Exit& exit : reading.exits) {
    const bool by_launcher = std::any_of(ended.begin(), ended.end(),
                                         [&](const std::string& process) { return IsOf(reading, exit, process); });
    // Of whom another tells, as srun, no process is known.
    const bool told = IsOf(reading, exit, "(pid: ");
    if (exit.signal == kSigterm && exit.rank && told && !by_launcher) from_outside.push_back(&exit);
  }
  return from_outside;
}

bool AllTimedOut(const KnownRanks& known, const std::vector<Suspect>& suspects) {
  std::set<int32_t> timed_out;
  for (const Suspect& suspect : suspects) {
    if (suspect.rank && suspect.failure == "gloo_error" && suspect.kind == "timeout") timed_out.insert(*suspect.rank);
  }
  return known.whole && known.all.size() > 1 && timed_out == known.all;
}

std::optional<int32_t> WhoEndedWellAlone(const Reading& reading, const std::vector<Suspect>& suspects,
                                         const KnownRanks& known) {
  const auto failed = RanksThatFailed(reading);
  if (!failed || failed->size() + 1 != known.all.size() || CountUntoldEnds(reading) > 0) return std::nullopt;
  const std::set<int32_t> complaining = Complaining(suspects);
  for (int32_t dead : OwnDeaths(reading, std::nullopt)) {
    if (complaining.count(dead) == 0) return std::nullopt;
  }
  for (int32_t rank : known.all) {
    if (failed->count(rank) > 0) continue;
    const bool waited = complaining.count(rank) > 0;
    if (!waited && !IsBehind(reading, rank) && DidItsLauncherSpeak(reading, rank)) return rank;
  }
  return std::nullopt;
}

}  // namespace rankscope::diagnose
