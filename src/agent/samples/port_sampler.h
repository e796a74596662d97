#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "model/record.h"

namespace rankscope::agent {

// The counters of the node's network ports as they stand, a record of stream `host` for each: InfiniBand and RoCE
// (/sys/class/infiniband/DEVICE/ports/N/counters and hw_counters), Ethernet (/sys/class/net/DEVICE/statistics). What
// cannot be read is left out. Loopback and the virtual ends of containers are no ports. Thread-compatible.
class PortSampler {
 public:
  // `root` holds sys/.
  explicit PortSampler(std::string root = "/") : root_(std::move(root)) {}

  // Fields: device, port (of InfiniBand and RoCE), link (infiniband, roce, ethernet), and each counter by its own name.
  std::vector<model::Record> Sample(base::TimeNs now) const;

 private:
  void AddCounters(const std::string& folder, model::Record* record) const;
  void AddInfiniband(base::TimeNs now, std::vector<model::Record>* records) const;
  void AddEthernet(base::TimeNs now, std::vector<model::Record>* records) const;

  const std::string root_;
};

}  // namespace rankscope::agent
