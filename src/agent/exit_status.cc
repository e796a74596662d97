#include "agent/exit_status.h"

#include <sys/ioctl.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "base/file.h"

namespace rankscope::agent {
namespace {

// linux/pidfd.h of 6.15; Debian 12's headers are older than the call.
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroup_id;
  uint32_t pid, tgid, ppid, ids[8];
  int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr uint64_t kInfoExit = 1 << 3;
constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);

std::optional<uint64_t> CounterIn(const std::string& path, const std::string& name) {
  auto text = base::ReadWholeFile(path);
  if (!text.ok()) return std::nullopt;
  std::istringstream lines(*text);
  std::string key;
  uint64_t value = 0;
  while (lines >> key >> value) {
    if (key == name) return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ExitStatus> ReadExitStatus(int pidfd, pid_t pid) {
  PidfdInfo info{};
  info.mask = kInfoExit;
  if (ioctl(pidfd, kGetInfo, &info) == 0 && (info.mask & kInfoExit)) return ExitStatus{info.exit_code, "pidfd"};
  auto stat = base::ReadWholeFile("/proc/" + std::to_string(pid) + "/stat");
  if (!stat.ok()) return std::nullopt;
  auto code = ExitCodeOfStat(*stat);
  if (!code) return std::nullopt;
  return ExitStatus{*code, "proc"};
}

std::optional<int> ExitCodeOfStat(const std::string& stat) {
  size_t after_name = stat.rfind(')');
  if (after_name == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(after_name + 1));
  std::string state, field;
  fields >> state;
  if (state != "Z" && state != "X") return std::nullopt;
  for (int number = 4; number <= 52; ++number) {
    if (!(fields >> field)) return std::nullopt;
  }
  return std::atoi(field.c_str());
}

std::string SignalName(int signal) {
  const char* name = sigabbrev_np(signal);
  return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

std::optional<uint64_t> OomKills(pid_t pid) {
  auto groups = base::ReadWholeFile("/proc/" + std::to_string(pid) + "/cgroup");
  if (!groups.ok()) return std::nullopt;
  std::istringstream lines(*groups);
  for (std::string line; std::getline(lines, line);) {
    size_t controllers = line.find(':');
    size_t path = line.find(':', controllers + 1);
    if (path == std::string::npos) continue;
    std::string names = line.substr(controllers + 1, path - controllers - 1);
    std::string folder = line.substr(path + 1);
    std::optional<uint64_t> kills;
    if (names.empty()) kills = CounterIn("/sys/fs/cgroup" + folder + "/memory.events", "oom_kill");
    if (names == "memory") kills = CounterIn("/sys/fs/cgroup/memory" + folder + "/memory.oom_control", "oom_kill");
    if (kills) return kills;
  }
  return std::nullopt;
}

}  // namespace rankscope::agent
