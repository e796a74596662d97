#include "diagnosis/cluster.h"

namespace rankscope::simulation {
namespace {

constexpr int32_t kNodesASwitch = 8, kNodesAPod = 16;

std::string Name(const char* what, int32_t number) { return what + std::to_string(number); }

void HangByNode(int32_t number, int32_t nodes_a_port, diagnose::TopologyNode* node) {
  node->switches = {Name("leaf-", number / kNodesASwitch)};
  node->ports = {Name("", number % kNodesASwitch / nodes_a_port + 1)};
  for (int32_t gpu = 0; gpu < kGpusANode; ++gpu) node->rails.push_back(Name("r", gpu));
}

void HangByRail(int32_t number, diagnose::TopologyNode* node) {
  for (int32_t gpu = 0; gpu < kGpusANode; ++gpu) {
    node->switches.push_back(Name("pod", number / kNodesAPod) + Name("-rail", gpu));
    node->ports.push_back(Name("", number % kNodesAPod / 2 + 1));
    node->rails.push_back(Name("r", gpu));
  }
}

}  // namespace

diagnose::Topology MakeCluster(Wiring wiring) {
  diagnose::Topology cluster;
  for (int32_t number = 0; number < kNodes; ++number) {
    diagnose::TopologyNode node;
    node.name = Name("gpu-", number);
    constexpr int32_t kNodesARack = 4;
    node.rack = Name("rack-", number / kNodesARack);
    if (wiring == Wiring::kRails) {
      HangByRail(number, &node);
    } else {
      HangByNode(number, wiring == Wiring::kSharedPorts ? 2 : 1, &node);
    }
    cluster.nodes.push_back(std::move(node));
  }
  return cluster;
}

std::string DeviceOf(int32_t gpu) { return Name("mlx5_", gpu); }

}  // namespace rankscope::simulation
