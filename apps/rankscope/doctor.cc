#include <dirent.h>
#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "agent/run_directory.h"
#include "agent/server_address.h"
#include "base/file.h"
#include "commands.h"

namespace rankscope {
namespace {

struct Check {
  std::string name, state, text;  // state: ok | warning | error
};

Check CheckServer(const std::string& address) {
  if (address.empty()) return {"server", "ok", "none named: `rankscope run` keeps its data in " + agent::DataHome()};
  auto grpc = agent::FindGrpcAddress(address, 2000);
  if (!grpc.ok()) return {"server", "error", grpc.status().message() + "; start it with `rankscope serve`"};
  return {"server", "ok", address + " answers, gRPC at " + *grpc};
}

Check CheckDisk() {
  std::string folder = agent::StateHome();
  if (auto made = base::MakeDirectories(folder); !made.ok()) return {"spool", "error", made.message()};
  struct statvfs info {};
  if (statvfs(folder.c_str(), &info) != 0) return {"spool", "error", "cannot look at " + folder};
  double gib = static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize) / (1 << 30);
  char text[64];
  std::snprintf(text, sizeof text, "%.1f GiB free in ", gib);
  bool little = gib < 1;
  return {"spool", little ? "warning" : "ok", text + folder + (little ? "; free some, or set XDG_STATE_HOME" : "")};
}

Check CheckNvml() {
  void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return {"nvml", "ok", "no NVIDIA driver on this node: no GPU samples"};
  dlclose(library);
  return {"nvml", "ok", "libnvidia-ml.so.1 is there"};
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

}  // namespace

int Doctor(const std::string& server, bool json) {
  std::vector<Check> checks = {CheckServer(server), CheckDisk(), CheckNvml(), CheckFiles()};
  nlohmann::json report = {{"agents", Processes("agent")}, {"keepers", Processes("run")}};
  bool failed = false;
  for (const Check& check : checks) {
    failed = failed || check.state == "error";
    report["checks"].push_back({{"name", check.name}, {"state", check.state}, {"text", check.text}});
    if (!json) std::printf("%-8s %-8s %s\n", check.state.c_str(), check.name.c_str(), check.text.c_str());
  }
  if (json) {
    std::printf("%s\n", report.dump().c_str());
  } else {
    std::printf("agents %s, keepers %s\n", report["agents"].dump().c_str(), report["keepers"].dump().c_str());
  }
  return failed ? 1 : 0;
}

}  // namespace rankscope
