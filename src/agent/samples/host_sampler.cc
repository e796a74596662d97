#include "agent/samples/host_sampler.h"

#include <sys/statvfs.h>

#include <cstdlib>
#include <sstream>

#include "base/file.h"

namespace rankscope::agent {
namespace {

constexpr double kGib = 1 << 30;
constexpr double kMib = 1 << 20;
constexpr double kSectorBytes = 512;  // of /proc/diskstats, whatever the device's own

// "Name: 123 kB" lines and "name 123" lines.
std::map<std::string, double> KeyedNumbers(const std::string& text) {
  std::map<std::string, double> numbers;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    double value = 0;
    if (!(words >> key >> value)) continue;
    if (key.back() == ':') key.pop_back();
    numbers[key] = value;
  }
  return numbers;
}

void Add(std::string_view name, double value, model::Fields* fields) { fields->emplace_back(name, value); }

std::optional<double> NumberIn(const std::string& text) {
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str()) return std::nullopt;
  return value;
}

// The path of our cgroup under `controller` (v1), or of the unified hierarchy (v2: no name).
std::string CgroupPath(const std::string& text, const std::string& controller) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    if (names.find("," + controller + ",") != std::string::npos) return line.substr(second + 1);
  }
  return "";
}

bool IsWholeDisk(const std::string& root, const std::string& name) {
  if (name.starts_with("loop") || name.starts_with("ram") || name.starts_with("dm-") || name.starts_with("md")) {
    return false;
  }
  return base::ListDirectory(root + "/sys/block/" + name).ok();
}

}  // namespace

HostSampler::HostSampler(std::string root, std::string disk) : root_(std::move(root)), disk_(std::move(disk)) {}

model::Record HostSampler::Sample(base::TimeNs now) {
  time_ = now;
  model::Record record;
  record.stream = model::Stream::kHost;
  record.time = now;
  AddCpu(&record.fields);
  AddMemory(&record.fields);
  AddCgroup(&record.fields);
  AddPressure(&record.fields);
  AddDisks(&record.fields);
  AddNetwork(&record.fields);
  AddFreeSpace(&record.fields);
  time_before_ = now;
  return record;
}

model::Record HostSampler::Uptime(base::TimeNs now) {
  model::Record record;
  record.stream = model::Stream::kHost;
  record.time = now;
  record.fields.emplace_back("uptime_s", base::MonotonicNow() / base::kNsPerSecond);
  return record;
}

std::string HostSampler::Read(const std::string& path) const {
  auto text = base::ReadWholeFile(root_ + path);
  return text.ok() ? *text : "";
}

std::optional<double> HostSampler::Rate(const std::string& counter, double value) {
  auto found = before_.find(counter);
  double seconds = static_cast<double>(time_ - time_before_) / base::kNsPerSecond;
  std::optional<double> rate;
  if (found != before_.end() && seconds > 0 && value >= found->second) rate = (value - found->second) / seconds;
  before_[counter] = value;
  return rate;
}

void HostSampler::AddCpu(model::Fields* fields) {
  std::istringstream stat(Read("/proc/stat"));
  std::string word;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0;
  if (stat >> word >> user >> nice >> system >> idle >> wait >> irq >> soft >> steal && word == "cpu") {
    double busy = user + nice + system + irq + soft + steal;
    auto busy_rate = Rate("cpu busy", busy), all_rate = Rate("cpu all", busy + idle + wait);
    auto wait_rate = Rate("cpu wait", wait);
    if (busy_rate && all_rate && *all_rate > 0) {
      Add("cpu_usage_percent", 100 * *busy_rate / *all_rate, fields);
      if (wait_rate) Add("cpu_iowait_percent", 100 * *wait_rate / *all_rate, fields);
    }
  }
  if (auto load = NumberIn(Read("/proc/loadavg"))) Add("load_1m", *load, fields);
}

void HostSampler::AddMemory(model::Fields* fields) const {
  auto kib = KeyedNumbers(Read("/proc/meminfo"));
  if (!kib.contains("MemTotal") || !kib.contains("MemAvailable") || kib["MemTotal"] <= 0) return;
  Add("memory_total_gib", kib["MemTotal"] * 1024 / kGib, fields);
  Add("memory_available_gib", kib["MemAvailable"] * 1024 / kGib, fields);
  Add("memory_used_percent", 100 * (1 - kib["MemAvailable"] / kib["MemTotal"]), fields);
  Add("shared_memory_gib", kib["Shmem"] * 1024 / kGib, fields);
  if (kib["SwapTotal"] > 0) Add("swap_used_gib", (kib["SwapTotal"] - kib["SwapFree"]) * 1024 / kGib, fields);
}

void HostSampler::AddCgroup(model::Fields* fields) const {
  std::string ours = Read("/proc/self/cgroup");
  std::string unified = "/sys/fs/cgroup" + CgroupPath(ours, "");
  std::string memory = "/sys/fs/cgroup/memory" + CgroupPath(ours, "memory");
  auto used = NumberIn(Read(unified + "/memory.current")), limit = NumberIn(Read(unified + "/memory.max"));
  if (!used) used = NumberIn(Read(memory + "/memory.usage_in_bytes"));
  if (!limit) limit = NumberIn(Read(memory + "/memory.limit_in_bytes"));
  if (used) Add("cgroup_memory_gib", *used / kGib, fields);
  if (limit && *limit < 1e18) Add("cgroup_memory_limit_gib", *limit / kGib, fields);  // v1 says "none" by a huge number
  auto events = KeyedNumbers(Read(unified + "/memory.events"));
  if (events.empty()) events = KeyedNumbers(Read(memory + "/memory.oom_control"));
  if (events.contains("oom_kill")) Add("cgroup_oom_kills", events["oom_kill"], fields);
}

void HostSampler::AddPressure(model::Fields* fields) const {
  for (const char* resource : {"cpu", "memory", "io"}) {
    std::string text = Read(std::string("/proc/pressure/") + resource);
    size_t at = text.find("avg10=");
    if (at == std::string::npos) continue;
    if (auto percent = NumberIn(text.substr(at + 6))) {
      Add(std::string(resource) + "_pressure_percent", *percent, fields);
    }
  }
}

void HostSampler::AddDisks(model::Fields* fields) {
  std::istringstream lines(Read("/proc/diskstats"));
  double read = 0, written = 0;
  bool any = false;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    double major, minor, reads, reads_merged, sectors_read, read_ms, writes, writes_merged, sectors_written;
    if (!(words >> major >> minor >> name >> reads >> reads_merged >> sectors_read >> read_ms >> writes >>
          writes_merged >> sectors_written) ||
        !IsWholeDisk(root_, name)) {
      continue;
    }
    any = true;
    read += sectors_read * kSectorBytes;
    written += sectors_written * kSectorBytes;
  }
  if (!any) return;
  if (auto rate = Rate("disk read", read)) Add("disk_read_mib_per_s", *rate / kMib, fields);
  if (auto rate = Rate("disk written", written)) Add("disk_write_mib_per_s", *rate / kMib, fields);
}

void HostSampler::AddNetwork(model::Fields* fields) {
  std::istringstream lines(Read("/proc/net/dev"));
  double received = 0, sent = 0, errors = 0;
  bool any = false;
  for (std::string line; std::getline(lines, line);) {
    size_t colon = line.find(':');
    if (colon == std::string::npos || line.substr(0, colon).find(" lo") != std::string::npos) continue;
    std::istringstream words(line.substr(colon + 1));
    double column[12] = {};
    for (double& value : column) words >> value;
    if (!words) continue;
    any = true;
    received += column[0];
    errors += column[2] + column[3] + column[10] + column[11];
    sent += column[8];
  }
  if (!any) return;
  if (auto rate = Rate("received", received)) Add("network_receive_mib_per_s", *rate / kMib, fields);
  if (auto rate = Rate("sent", sent)) Add("network_transmit_mib_per_s", *rate / kMib, fields);
  if (auto rate = Rate("network errors", errors)) Add("network_errors_per_s", *rate, fields);
}

void HostSampler::AddFreeSpace(model::Fields* fields) const {
  struct statvfs space {};
  auto free_gib = [&] { return static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize) / kGib; };
  if (statvfs(disk_.c_str(), &space) == 0) Add("disk_free_gib", free_gib(), fields);
  if (statvfs((root_ + "/dev/shm").c_str(), &space) == 0) Add("shm_free_gib", free_gib(), fields);
}

}  // namespace rankscope::agent
