#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "diagnose/slowness/topology.h"
#include "simulation/random.h"

namespace rankscope::simulation {

struct ClusterSize {
  int32_t nodes = 32, gpus_a_node = 8;
  int32_t ranks() const { return nodes * gpus_a_node; }
};
// Nodes of 8 GPUs, or four nodes of fewer. REQUIRES a power of two, 8 or more.
ClusterSize SizeOf(int32_t ranks);

// How nodes hang on their switches.
enum class Wiring : uint8_t {
  kSharedPorts,  // a node on one switch, two nodes on a port
  kOwnPorts,     // a node on one switch and a port of its own: the same ranks as the node
  kRails,        // a GPU on the switch of its rail, in pods of 16 nodes; two nodes' GPUs on a port
};
diagnose::Topology MakeCluster(Wiring wiring, const ClusterSize& size);

// The host's device that carries a GPU's traffic.
std::string DeviceOf(int32_t gpu);

}  // namespace rankscope::simulation
