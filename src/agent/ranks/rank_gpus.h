#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/record.h"

namespace rankscope::agent {

// The UUID of the device that a rank takes by convention: of those that CUDA_VISIBLE_DEVICES lets it see (indices,
// GPU- or MIG- UUIDs or their beginnings; absent: all), the one at its local rank, or the only one. Empty: it sees
// none, or `uuids`, the node's devices by index, do not have it. Indices are NVML's, which are CUDA's where the devices
// of a node are alike or CUDA_DEVICE_ORDER is PCI_BUS_ID.
std::string GpuOf(const std::optional<std::string>& visible, int32_t local_rank, const std::vector<std::string>& uuids);

// Says which GPU each rank has: an event `rank_gpu` (gpu_uuid) for each `rank_start`, once the node's devices are
// known.
class RankGpus {
 public:
  // Remembers the starts among the records and appends the events that are due.
  void Complete(const std::vector<std::string>& uuids, std::vector<model::Record>* records);

 private:
  std::vector<model::Record> starts_;  // whose GPU is not known yet
};

}  // namespace rankscope::agent
