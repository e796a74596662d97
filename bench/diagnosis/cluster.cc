#include "diagnosis/cluster.h"

#include <algorithm>

namespace rankscope::simulation {
namespace {

std::string Name(const char* what, int32_t number) { return what + std::to_string(number); }

void HangByNode(int32_t number, int32_t nodes_a_port, const ClusterSize& size, diagnose::TopologyNode* node) {
  const int32_t nodes_a_switch = std::min(8, size.nodes / 2);
  node->switches = {Name("leaf-", number / nodes_a_switch)};
  node->ports = {Name("", number % nodes_a_switch / nodes_a_port + 1)};
  for (int32_t gpu = 0; gpu < size.gpus_a_node; ++gpu) node->rails.push_back(Name("r", gpu));
}

void HangByRail(int32_t number, const ClusterSize& size, diagnose::TopologyNode* node) {
  const int32_t nodes_a_pod = std::min(16, size.nodes);
  for (int32_t gpu = 0; gpu < size.gpus_a_node; ++gpu) {
    node->switches.push_back(Name("pod", number / nodes_a_pod) + Name("-rail", gpu));
    node->ports.push_back(Name("", number % nodes_a_pod / 2 + 1));
    node->rails.push_back(Name("r", gpu));
  }
}

}  // namespace

ClusterSize SizeOf(int32_t ranks) {
  constexpr int32_t kFewestNodes = 4, kGpusANode = 8;
  if (ranks < kFewestNodes * kGpusANode) return {kFewestNodes, ranks / kFewestNodes};
  return {ranks / kGpusANode, kGpusANode};
}

diagnose::Topology MakeCluster(Wiring wiring, const ClusterSize& size) {
  diagnose::Topology cluster;
  for (int32_t number = 0; number < size.nodes; ++number) {
    diagnose::TopologyNode node;
    node.name = Name("gpu-", number);
    constexpr int32_t kNodesARack = 4;
    node.rack = Name("rack-", number / kNodesARack);
    if (wiring == Wiring::kRails) {
      HangByRail(number, size, &node);
    } else {
      HangByNode(number, wiring == Wiring::kSharedPorts ? 2 : 1, size, &node);
    }
    cluster.nodes.push_back(std::move(node));
  }
  return cluster;
}

std::string DeviceOf(int32_t gpu) { return Name("mlx5_", gpu); }

}  // namespace rankscope::simulation
