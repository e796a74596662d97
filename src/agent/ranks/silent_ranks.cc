#include "agent/ranks/silent_ranks.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "agent/exit_status.h"
#include "agent/life_events.h"
#include "agent/pidfd.h"
#include "base/clock.h"
#include "model/event.h"

namespace rankscope::agent {
namespace {

constexpr int64_t kRestsAfterLook = 100;  // times as long as it took

using Variables = std::map<std::string, std::string>;

// The strings of a file of /proc that ends each with a NUL.
std::vector<std::string> Words(const std::string& path) {
  std::vector<std::string> words;
  auto text = base::ReadWholeFile(path);
  for (size_t at = 0; text.ok() && at < text->size(); at += words.back().size() + 1) {
    words.emplace_back(text->c_str() + at);
  }
  return words;
}

Variables VariablesOf(const std::string& proc) {
  Variables variables;
  for (const std::string& entry : Words(proc + "/environ")) {
    size_t equals = entry.find('=');
    if (equals != std::string::npos) variables[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  if (!variables.contains("RANKSCOPE_RINGS")) variables.clear();
  return variables;
}

// "DEVICE:INODE" of what the descriptor of a process refers to, if that is a pipe or a file.
std::string OutputOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !(S_ISFIFO(info.st_mode) || S_ISREG(info.st_mode))) return "";
  return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
}

pid_t ParentOf(const std::string& proc) {
  auto text = base::ReadWholeFile(proc + "/stat");
  size_t name_end = text.ok() ? text->rfind(')') : std::string::npos;
  return name_end == std::string::npos ? 0 : std::atoi(text->c_str() + std::min(name_end + 4, text->size()));
}

// A process of a rank, and the pipes and files that it prints into, other than the launcher's.
struct Candidate {
  SilentRank rank;
  std::vector<std::string> outputs;
};

std::optional<Candidate> Examine(const std::string& proc, pid_t pid) {
  Variables variables = VariablesOf(proc);
  if (variables.empty() || variables.contains("RANKSCOPE_RANK_PID")) return std::nullopt;
  Identity identity = IdentityFrom([&](const char* name) {
    auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  if (!identity.rank) return std::nullopt;
  std::vector<std::string> command = Words(proc + "/cmdline");
  if (command.empty() || IsLauncher(command)) return std::nullopt;
  Candidate candidate{{pid, identity, variables["RANKSCOPE_RINGS"], command[0]}, {}};
  for (auto [fd, launchers] : {std::pair{"/fd/1", "RANKSCOPE_STDOUT_INODE"}, {"/fd/2", "RANKSCOPE_STDERR_INODE"}}) {
    std::string pipe = OutputOf(proc + fd);
    if (!pipe.empty() && pipe != variables[launchers]) candidate.outputs.push_back(pipe);
  }
  return candidate;
}

std::vector<std::string> Pids() {
  std::vector<std::string> pids;
  auto entries = base::ListDirectory("/proc");
  for (std::string& entry : entries.ok() ? *entries : std::vector<std::string>()) {
    if (entry.find_first_not_of("0123456789") == std::string::npos) pids.push_back(std::move(entry));
  }
  return pids;
}

// The pipes and files that a keeper reads.
std::set<std::string> KeptOutputs(const std::vector<std::string>& pids) {
  std::set<std::string> pipes;
  for (const std::string& pid : pids) {
    auto name = base::ReadWholeFile("/proc/" + pid + "/comm");
    if (!name.ok() || *name != "rankscope\n") continue;
    const std::string folder = "/proc/" + pid + "/fd/";
    auto fds = base::ListDirectory(folder);
    for (const std::string& fd : fds.ok() ? *fds : std::vector<std::string>()) pipes.insert(OutputOf(folder + fd));
  }
  return pipes;
}

model::Origin OriginOf(const Identity& identity) {
  model::Origin origin;
  origin.attempt = identity.attempt;
  origin.rank = identity.rank;
  origin.local_rank = identity.local_rank;
  origin.node_rank = identity.node_rank;
  return origin;
}

}  // namespace

std::vector<SilentRank> FindSilentRanks() {
  using Name = std::tuple<std::string, int32_t, int32_t>;
  auto name_of = [](const SilentRank& rank) { return Name(rank.rings, rank.identity.attempt, *rank.identity.rank); };
  std::vector<std::string> pids = Pids();
  std::vector<Candidate> candidates;
  for (const std::string& pid : pids) {
    if (auto candidate = Examine("/proc/" + pid, std::atoi(pid.c_str()))) candidates.push_back(*std::move(candidate));
  }
  if (candidates.empty()) return {};
  std::set<std::string> kept = KeptOutputs(pids);
  std::map<pid_t, SilentRank> found;
  std::set<Name> heard;  // one process of the rank has a channel: what has none is the script around it
  for (const Candidate& candidate : candidates) {
    bool channel = std::any_of(candidate.outputs.begin(), candidate.outputs.end(),
                               [&](const std::string& pipe) { return kept.contains(pipe); });
    if (channel) heard.insert(name_of(candidate.rank));
    if (!channel) found[candidate.rank.pid] = candidate.rank;
  }
  std::vector<SilentRank> ranks;
  for (const auto& [pid, rank] : found) {
    bool child = found.contains(ParentOf("/proc/" + std::to_string(pid)));  // it inherits the variables
    if (!child && !heard.contains(name_of(rank))) ranks.push_back(rank);
  }
  return ranks;
}

std::vector<model::Record> SilentRankWatch::Look(int64_t monotonic_now) {
  if (monotonic_now < next_look_) return {};
  const int64_t began = base::MonotonicNow();
  std::vector<model::Record> events = Ends();
  // A keeper that was killed may not have told the end of one; another process may get the number.
  std::erase_if(heard_, [](pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; });
  std::set<pid_t> seen;
  for (SilentRank& rank : FindSilentRanks()) {
    if (rank.rings != rings_ || heard_.contains(rank.pid)) continue;
    seen.insert(rank.pid);
    auto [entry, added] = watched_.try_emplace(rank.pid);
    Watched& watched = entry->second;
    if (added) {
      watched.pidfd = OpenPidfd(rank.pid);
      watched.rank = std::move(rank);
    } else if (!std::exchange(watched.told, true)) {
      events.push_back(Start(watched.rank));
    }
  }
  // A Python rank at its start: it has its own channel by now.
  std::erase_if(watched_, [&](const auto& entry) { return !entry.second.told && !seen.contains(entry.first); });
  const int64_t cost = base::MonotonicNow() - began;
  next_look_ = monotonic_now + std::clamp(cost * kRestsAfterLook, base::kNsPerSecond / 2, base::kNsPerSecond);
  return events;
}

void SilentRankWatch::Hear(const model::Record& event) {
  const auto* name = model::FindField(event.fields, "event");
  const auto* field = model::FindField(event.fields, "pid");
  if (!name || *name != model::FieldValue(std::string("rank_start")) || !field) return;
  const auto pid = static_cast<pid_t>(model::AsNumber(*field).value_or(0));
  watched_.erase(pid);
  heard_.insert(pid);
}

bool SilentRankWatch::Watched::Ended() const {
  pollfd ready{pidfd.get(), POLLIN, 0};
  return !pidfd.valid() || poll(&ready, 1, 0) > 0;
}

model::Record SilentRankWatch::Start(const SilentRank& rank) {
  model::Record start = model::MakeEvent("rank_start", base::WallNow(),
                                         "rank " + std::to_string(*rank.identity.rank) + " (" + rank.program +
                                             ") has no channel of its own: its lines have no rank");
  start.origin = OriginOf(rank.identity);
  start.level = "info";
  start.fields.emplace_back("pid", static_cast<int64_t>(rank.pid));
  start.fields.emplace_back("source", std::string("exit only"));
  if (rank.identity.world_size) start.fields.emplace_back("world_size", int64_t{*rank.identity.world_size});
  return start;
}

std::vector<model::Record> SilentRankWatch::Ends() {
  std::vector<model::Record> events;
  std::erase_if(watched_, [&](const auto& entry) {
    const auto& [pid, watched] = entry;
    if (!watched.Ended()) return false;
    if (!watched.told) return true;  // a helper of some launcher's script, or a Python rank that the keeper tells of
    auto status = ReadExitStatus(watched.pidfd.get(), pid);
    events.push_back(RankExit(OriginOf(watched.rank.identity), pid, status, std::nullopt));
    return true;
  });
  return events;
}

}  // namespace rankscope::agent
