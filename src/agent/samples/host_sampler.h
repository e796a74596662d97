#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "model/record.h"

namespace rankscope::agent {

// The node's CPU, memory, cgroup, disks and network, from /proc and /sys. What cannot be read is left out. One thread.
// Fields and units: docs/samples.md.
class HostSampler {
 public:
  // `root` holds proc/ and sys/; `disk`: a path whose file system's free space matters.
  explicit HostSampler(std::string root = "/", std::string disk = "/");

  // Rates are since the sample before, so the first one has none.
  model::Record Sample(base::TimeNs now);
  // `uptime_s` alone: a sign of life.
  static model::Record Uptime(base::TimeNs now);

 private:
  using Values = std::map<std::string, double>;

  std::string Read(const std::string& path) const;
  void AddCpu(model::Fields* fields);
  void AddMemory(model::Fields* fields) const;
  void AddCgroup(model::Fields* fields) const;
  void AddPressure(model::Fields* fields) const;
  void AddDisks(model::Fields* fields);
  void AddNetwork(model::Fields* fields);
  void AddFreeSpace(model::Fields* fields) const;
  // The counter's change per second since the last sample; nothing the first time or when it went back.
  std::optional<double> Rate(const std::string& counter, double value);

  const std::string root_, disk_;
  Values before_;
  base::TimeNs time_ = 0, time_before_ = 0;
};

}  // namespace rankscope::agent
