#include "agent/ship/unsent_spools.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "agent/orphan_runs.h"
#include "agent/run_directory.h"
#include "base/file.h"

namespace rankscope::agent {
namespace {

namespace fs = std::filesystem;
using Keeper = UnsentSpool::Keeper;

uint64_t BytesBelow(const std::string& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  fs::recursive_directory_iterator entries(folder, fs::directory_options::skip_permission_denied, error), end;
  for (; !error && entries != end; entries.increment(error)) {
    std::error_code gone;
    uintmax_t size = entries->is_regular_file(gone) ? entries->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

base::TimeNs BeginOf(const std::string& run) {
  struct stat status {};
  if (stat((run + "/run.json").c_str(), &status) != 0) return 0;
  return status.st_mtim.tv_sec * base::kNsPerSecond + status.st_mtim.tv_nsec;
}

bool IsHeld(const std::string& lock) { return base::LockFile(lock).status().code() == base::Code::kUnavailable; }

Keeper KeeperOf(const std::string& run) {
  if (IsHeld(KeeperLock(run))) return IsDrained(run) ? Keeper::kAgent : Keeper::kRun;
  return IsHeld(AgentLock(run)) ? Keeper::kAgent : Keeper::kNobody;
}

std::optional<UnsentSpool> LookAt(const std::string& run, const std::string& host) {
  auto config = ReadRunConfig(run);
  // Without a capture the run is being set up, and its locks are not to be tried.
  if (!config.ok() || config->host != host || !fs::exists(run + "/capture")) return std::nullopt;
  UnsentSpool spool{run, config->job, CurrentServer(*config)};
  spool.kept_by = KeeperOf(run);
  spool.agent = AgentOf(run);
  Progress progress = ReadProgress(run);
  spool.records = progress.spooled - std::min(progress.acknowledged, progress.spooled);
  spool.bytes = BytesBelow(run + "/spool") + BytesBelow(run + "/capture");
  spool.since = BeginOf(run);
  bool waits = spool.records > 0 || spool.kept_by == Keeper::kNobody;
  return waits ? std::optional(std::move(spool)) : std::nullopt;
}

}  // namespace

std::vector<UnsentSpool> UnsentSpools(const std::string& folder, const std::string& host) {
  std::vector<UnsentSpool> spools;
  auto names = base::ListDirectory(folder);
  if (!names.ok()) return spools;
  const std::string parent = folder + "/";
  for (const std::string& name : *names) {
    if (auto spool = LookAt(parent + name, host)) spools.push_back(*std::move(spool));
  }
  std::sort(spools.begin(), spools.end(), [](const auto& a, const auto& b) { return a.since < b.since; });
  return spools;
}

}  // namespace rankscope::agent
