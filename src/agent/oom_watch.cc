#include "agent/oom_watch.h"

#include <sstream>
#include <utility>

#include "base/file.h"

namespace rankscope::agent {
namespace {

std::optional<uint64_t> OomKillsIn(const std::string& path) {
  auto text = base::ReadWholeFile(path);
  if (!text.ok()) return std::nullopt;
  std::istringstream lines(*text);
  std::string key;
  uint64_t value = 0;
  while (lines >> key >> value) {
    if (key == "oom_kill") return value;
  }
  return std::nullopt;
}

}  // namespace

OomWatch::OomWatch(std::string root) : root_(std::move(root)) {}

void OomWatch::Add(pid_t pid) {
  std::string path = CounterOf(pid);
  if (path.empty()) return;
  paths_[pid] = path;
  counters_.try_emplace(path, Counter{OomKillsIn(path).value_or(0)});
}

std::optional<bool> OomWatch::Struck(pid_t pid) {
  auto path = paths_.find(pid);
  if (path == paths_.end()) return std::nullopt;
  Counter& counter = counters_[path->second];
  auto now = OomKillsIn(path->second);
  if (!now) return std::nullopt;
  if (*now <= counter.begin + counter.claimed) return false;
  ++counter.claimed;
  return true;
}

// The file that counts for the process: lines of /proc/PID/cgroup are ID:CONTROLLERS:PATH, no controllers for v2.
std::string OomWatch::CounterOf(pid_t pid) const {
  auto groups = base::ReadWholeFile(root_ + "/proc/" + std::to_string(pid) + "/cgroup");
  if (!groups.ok()) return "";
  std::istringstream lines(*groups);
  for (std::string line; std::getline(lines, line);) {
    size_t controllers = line.find(':');
    size_t path = line.find(':', controllers + 1);
    if (path == std::string::npos) continue;
    std::string names = line.substr(controllers + 1, path - controllers - 1);
    std::string folder = line.substr(path + 1);
    std::string file;
    if (names.empty()) file = root_ + "/sys/fs/cgroup" + folder + "/memory.events";
    if (names == "memory") file = root_ + "/sys/fs/cgroup/memory" + folder + "/memory.oom_control";
    if (!file.empty() && OomKillsIn(file)) return file;
  }
  return "";
}

}  // namespace rankscope::agent
