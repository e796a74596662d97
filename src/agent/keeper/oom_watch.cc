#include "agent/keeper/oom_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <sstream>
#include <string_view>
#include <utility>

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

OomWatch::OomWatch(std::string root) : root_(std::move(root)) {
  auto log = base::OpenFile(root_ + "/dev/kmsg", O_RDONLY | O_NONBLOCK);
  if (!log.ok() || lseek(log->get(), 0, SEEK_END) < 0) return;
  log_ = *std::move(log);
}

void OomWatch::Add(pid_t pid) {
  std::string path = CounterOf(pid);
  if (path.empty()) return;
  paths_[pid] = path;
  counters_.try_emplace(path, Counter{OomKillsIn(path).value_or(0)});
}

std::optional<bool> OomWatch::Struck(pid_t pid) {
  auto path = paths_.find(pid);
  if (path == paths_.end()) return LogNames(pid);
  Counter& counter = counters_[path->second];
  auto now = OomKillsIn(path->second);
  if (!now) return std::nullopt;
  if (*now <= counter.begin + counter.claimed) return false;
  ++counter.claimed;
  return true;
}

// "…: Killed process 4711 (python3) total-vm:…"; a read gives one message.
std::optional<bool> OomWatch::LogNames(pid_t pid) {
  if (!log_.valid()) return std::nullopt;
  char message[8192];
  for (ssize_t got; (got = read(log_.get(), message, sizeof message)) > 0;) {
    std::string_view text(message, static_cast<size_t>(got));
    if (text.find("Killed process ") != std::string_view::npos) victims_ += text;
  }
  bool named = victims_.find("Killed process " + std::to_string(pid) + " ") != std::string::npos;
  return named ? std::optional(true) : std::nullopt;  // the log may number processes otherwise than a container does
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
