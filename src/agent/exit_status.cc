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

// Known from 6.15 on, once the process has been reaped.
std::optional<ExitStatus> ReadFromPidfd(int pidfd) {
  PidfdInfo info{};
  info.mask = kInfoExit;
  if (ioctl(pidfd, kGetInfo, &info) != 0 || !(info.mask & kInfoExit)) return std::nullopt;
  return ExitStatus{info.exit_code, "pidfd"};
}

// Known until it has been reaped.
std::optional<ExitStatus> ReadFromProc(pid_t pid) {
  auto stat = base::ReadWholeFile("/proc/" + std::to_string(pid) + "/stat");
  auto code = stat.ok() ? ExitCodeOfStat(*stat) : std::nullopt;
  if (!code) return std::nullopt;
  return ExitStatus{*code, "proc"};
}

}  // namespace

std::optional<ExitStatus> ReadExitStatus(int pidfd, pid_t pid) {
  if (auto status = ReadFromPidfd(pidfd)) return status;
  if (auto status = ReadFromProc(pid)) return status;
  return ReadFromPidfd(pidfd);  // reaped between the two
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

}  // namespace rankscope::agent
