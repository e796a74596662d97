#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rankscope::diagnose {

// Where a node hangs on the network. A list has a name for each GPU, by local rank; one name is that of all GPUs; none:
// not told.
struct TopologyNode {
  std::string name;                  // of the host
  std::optional<int64_t> node_rank;  // absent: its place in the file
  std::vector<std::string> switches, ports, rails;
  std::string rack;
};

// What lies between the ranks of a cluster. Plain data.
struct Topology {
  std::vector<TopologyNode> nodes;
};

// YAML, a node a key:
//   gpu-17: {switch: leaf-3, port: 12, rail: [r0, r1, r2, r3], rack: A4}
// `node_rank` too, where the nodes do not stand in the order of their ranks and logs do not name hosts.
// kInvalid: "NAME:LINE:COLUMN: what is wrong".
base::Result<Topology> ReadTopology(const std::string& name, const std::string& yaml);

// Where a rank runs, as far as its records tell.
struct RankPlace {
  std::optional<int32_t> node_rank, local_rank;
  std::string host;
};

// Something that ranks share and that may be slow.
struct Element {
  enum class Kind : uint8_t { kNode, kPort, kSwitch, kRail, kRack };
  Kind kind = Kind::kNode;
  std::string name;            // of a port "SWITCH/PORT"
  std::vector<int32_t> ranks;  // ascending
};
std::string_view KindName(Element::Kind kind);

// The elements that some, not all, of the ranks share, the smaller kinds first. A rank's node is found by its host,
// else its node rank, else by as many ranks a node. Without a topology: the nodes that the ranks tell, and as rails the
// GPUs of one index.
std::vector<Element> ElementsOf(const Topology& topology, const std::map<int32_t, RankPlace>& ranks);

}  // namespace rankscope::diagnose
