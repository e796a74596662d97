#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "diagnose/slowness/topology.h"
#include "simulation/random.h"

namespace rankscope::simulation {

inline constexpr int32_t kNodes = 32, kGpusANode = 8, kRanks = kNodes * kGpusANode;

// How 32 nodes of 8 GPUs hang on their switches.
enum class Wiring : uint8_t {
  kSharedPorts,  // a node on one switch, two nodes on a port
  kOwnPorts,     // a node on one switch and a port of its own: the same ranks as the node
  kRails,        // a GPU on the switch of its rail, in pods of 16 nodes; two nodes' GPUs on a port
};
diagnose::Topology MakeCluster(Wiring wiring);

// The host's device that carries a GPU's traffic.
std::string DeviceOf(int32_t gpu);

}  // namespace rankscope::simulation
