#include <poll.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "agent/ranks/silent_ranks.h"
#include "agent/run_directory.h"
#include "agent/samples/gpu_sampler.h"
#include "base/counted.h"
#include "base/file.h"
#include "base/json_text.h"
#include "commands.h"
#include "doctor_checks.h"

namespace rankscope {
namespace {

using doctor::Check;
using doctor::Fixed;

constexpr int kNvmlTimeoutMs = 20'000;  // a driver that is loaded anew for each question takes seconds a GPU

double FreeGib(const std::string& folder) {
  struct statvfs info {};
  if (statvfs(folder.c_str(), &info) != 0) return -1;
  return static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize) / (1 << 30);
}

Check CheckDisk() {
  std::string folder = agent::StateHome();
  if (auto made = base::MakeDirectories(folder); !made.ok()) return {"spool", "error", made.message()};
  double gib = FreeGib(folder);
  if (gib < 0) return {"spool", "error", "cannot look at " + folder};
  std::string text = Fixed(gib) + " GiB free in " + folder;
  if (gib >= 1) return {"spool", "ok", text};
  return {"spool", "warning", text + "; free some, or set XDG_STATE_HOME"};
}

Check CheckSharedMemory() {
  double gib = FreeGib("/dev/shm");
  if (gib < 0) return {"rings", "ok", "no /dev/shm: the metric rings lie beside the spool"};
  std::string text = Fixed(gib) + " GiB free in /dev/shm";
  if (gib >= 0.125) return {"rings", "ok", text};
  return {"rings", "warning", text + ": a rank's metrics need a few MiB; give the container more (--shm-size)"};
}

Check CheckNvml() {
  agent::GpuSampler sampler;
  for (int waited_ms = 0; waited_ms < kNvmlTimeoutMs && !sampler.answered(); waited_ms += 10) poll(nullptr, 0, 10);
  if (!sampler.answered()) {
    return {"nvml", "warning", "the NVIDIA driver does not answer: no GPU samples; look at `nvidia-smi` and dmesg"};
  }
  std::vector<std::string> uuids = sampler.uuids();
  if (uuids.empty()) return {"nvml", "ok", sampler.absence() + ": no GPU samples"};
  std::string text = base::Counted(uuids.size(), "GPU") + ":";
  for (const std::string& uuid : uuids) text += " " + uuid;
  return {"nvml", "ok", text};
}

Check CheckFiles() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  bool few = limit.rlim_cur < 1024;
  return {"ulimit", few ? "warning" : "ok",
          std::to_string(limit.rlim_cur) + " open files" + (few ? "; raise with `ulimit -n 4096`" : "")};
}

// Pids of this program's `run` (keeper) and `agent` processes of this user.
nlohmann::json Processes(const std::string& command) {
  nlohmann::json pids = nlohmann::json::array();
  auto entries = base::ListDirectory("/proc");
  if (!entries.ok()) return pids;
  for (const std::string& pid : *entries) {
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    auto line = base::ReadWholeFile("/proc/" + pid + "/cmdline");
    if (!line.ok()) continue;
    size_t program_end = line->find('\0');
    if (program_end == std::string::npos || !line->substr(0, program_end).ends_with("rankscope")) continue;
    std::string argument = line->c_str() + program_end + 1;
    if (argument == command) pids.push_back(std::atoi(pid.c_str()));
  }
  return pids;
}

nlohmann::json KeeperPids() {
  nlohmann::json pids = Processes("run");
  for (const auto& pid : Processes("keep")) pids.push_back(pid);  // of rankscope.init()
  return pids;
}

// Ranks whose lines have no rank. A Python rank that is just starting is gone at the second look.
std::vector<agent::SilentRank> SilentRanks() {
  std::vector<agent::SilentRank> ranks = agent::FindSilentRanks();
  if (ranks.empty()) return ranks;
  poll(nullptr, 0, 300);
  std::vector<agent::SilentRank> still = agent::FindSilentRanks();
  std::erase_if(ranks, [&](const agent::SilentRank& rank) {
    return std::none_of(still.begin(), still.end(), [&](const auto& other) { return other.pid == rank.pid; });
  });
  return ranks;
}

Check CheckRanks(const std::vector<agent::SilentRank>& silent) {
  if (silent.empty()) return {"ranks", "ok", "none here prints without a channel of its own"};
  std::string text;
  for (const agent::SilentRank& rank : silent) {
    text += (text.empty() ? "rank " : ", rank ") + std::to_string(*rank.identity.rank) + " (pid " +
            std::to_string(rank.pid) + ", " + rank.program + ")";
  }
  return {"ranks", "warning",
          text +
              " without a channel of its own: its lines have no rank; use `rankscope run --preload`, and no -I or -S "
              "for Python"};
}

nlohmann::json ToJson(const std::vector<agent::SilentRank>& silent) {
  nlohmann::json json = nlohmann::json::array();
  for (const agent::SilentRank& rank : silent) {
    json.push_back({{"rank", *rank.identity.rank}, {"pid", rank.pid}, {"program", rank.program}});
  }
  return json;
}

}  // namespace

int Doctor(const std::string& server, bool json) {
  std::vector<agent::SilentRank> silent = SilentRanks();
  std::vector<Check> checks;
  doctor::CheckServer(server, &checks);
  for (Check& check :
       std::vector<Check>{CheckDisk(), CheckSharedMemory(), CheckNvml(), CheckFiles(), CheckRanks(silent)}) {
    checks.push_back(std::move(check));
  }
  std::vector<agent::UnsentSpool> spools = doctor::FindUnsentSpools();
  checks.push_back(doctor::CheckSpools(spools));
  nlohmann::json report = {{"spools", doctor::ToJson(spools)},
                           {"agents", Processes("agent")},
                           {"keepers", KeeperPids()},
                           {"ranks_without_channel", ToJson(silent)}};
  bool failed = false;
  for (const Check& check : checks) {
    failed = failed || check.state == "error";
    report["checks"].push_back({{"name", check.name}, {"state", check.state}, {"text", check.text}});
    if (!json) std::printf("%-8s %-8s %s\n", check.state.c_str(), check.name.c_str(), check.text.c_str());
  }
  if (json) {
    std::printf("%s\n", base::JsonText(report).c_str());
  } else {
    std::printf("agents %s, keepers %s\n", report["agents"].dump().c_str(), report["keepers"].dump().c_str());
  }
  return failed ? 1 : 0;
}

}  // namespace rankscope
