#include "diagnose/slowness/topology.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/yaml_reader.h"

namespace rankscope::diagnose {
namespace {

base::Result<TopologyNode> ReadNode(const base::YamlReader& reader, const YAML::Node& key, const YAML::Node& value) {
  TopologyNode node;
  ASSIGN_OR_RETURN(node.name, reader.Text(key));
  int64_t node_rank = -1;
  RETURN_IF_ERROR(reader.Map(value, "a node: switch, port, rail, rack, node_rank",
                             {{"switch", reader.Into(&node.switches)},
                              {"port", reader.Into(&node.ports)},
                              {"rail", reader.Into(&node.rails)},
                              {"rack", reader.Into(&node.rack)},
                              {"node_rank", reader.Into(&node_rank)}}));
  if (node_rank >= 0) node.node_rank = node_rank;
  return node;
}

// The one of a GPU; empty: not told.
std::string OfGpu(const std::vector<std::string>& names, size_t gpu) {
  if (names.size() == 1) return names.front();
  return gpu < names.size() ? names[gpu] : "";
}

// A rank's node, an index into the topology's, and its GPU.
struct Seat {
  size_t node = 0, gpu = 0;
};

class Seating {
 public:
  Seating(const Topology& topology, const std::map<int32_t, RankPlace>& ranks) : ranks_(ranks) {
    for (size_t i = 0; i < topology.nodes.size(); ++i) {
      by_name_[topology.nodes[i].name] = i;
      by_rank_[topology.nodes[i].node_rank.value_or(static_cast<int64_t>(i))] = i;
    }
    const size_t world = ranks.empty() ? 0 : static_cast<size_t>(ranks.rbegin()->first) + 1;
    bool even = !topology.nodes.empty() && world % topology.nodes.size() == 0;
    if (even) ranks_a_node_ = world / topology.nodes.size();
  }

  std::map<int32_t, Seat> Seats() const {
    std::map<int32_t, Seat> seats;
    std::map<size_t, size_t> taken;  // by node
    for (const auto& [rank, place] : ranks_) {
      auto node = NodeOf(rank, place);
      if (!node) continue;
      size_t next = taken[*node]++;
      seats[rank] = {*node, place.local_rank ? static_cast<size_t>(*place.local_rank) : next};
    }
    return seats;
  }

 private:
  std::optional<size_t> NodeOf(int32_t rank, const RankPlace& place) const {
    if (auto named = by_name_.find(place.host); named != by_name_.end()) return named->second;
    int64_t number = place.node_rank.value_or(-1);
    if (!place.node_rank && ranks_a_node_ > 0) number = rank / static_cast<int64_t>(ranks_a_node_);
    auto ranked = by_rank_.find(number);
    return ranked == by_rank_.end() ? std::nullopt : std::optional(ranked->second);
  }

  const std::map<int32_t, RankPlace>& ranks_;
  std::map<std::string, size_t> by_name_;
  std::map<int64_t, size_t> by_rank_;
  size_t ranks_a_node_ = 0;
};

// The nodes that the ranks themselves tell.
Topology ToldByRanks(const std::map<int32_t, RankPlace>& ranks) {
  std::map<std::pair<int32_t, std::string>, TopologyNode> nodes;
  for (const auto& [rank, place] : ranks) {
    if (!place.node_rank && place.host.empty()) continue;
    TopologyNode& node = nodes[{place.node_rank.value_or(-1), place.host}];
    if (place.node_rank) node.node_rank = *place.node_rank;
    node.name = place.host.empty() ? std::to_string(*place.node_rank) : place.host;
  }
  Topology told;
  for (auto& [key, node] : nodes) told.nodes.push_back(std::move(node));
  return told;
}

}  // namespace

std::string_view KindName(Element::Kind kind) {
  constexpr std::string_view kNames[] = {"node", "port", "switch", "rail", "rack"};
  return kNames[static_cast<size_t>(kind)];
}

base::Result<Topology> ReadTopology(const std::string& name, const std::string& yaml) {
  base::YamlReader reader(name);
  ASSIGN_OR_RETURN(YAML::Node root, reader.Load(yaml));
  if (!root.IsMap() || root.size() == 0) return reader.Expected(root, "a node a key: {switch, port, rail, rack}");
  Topology topology;
  std::set<std::string> names;
  for (const auto& entry : root) {
    ASSIGN_OR_RETURN(TopologyNode node, ReadNode(reader, entry.first, entry.second));
    if (!names.insert(node.name).second) return reader.Wrong(entry.first, "node " + node.name + " comes twice");
    topology.nodes.push_back(std::move(node));
  }
  return topology;
}

std::vector<Element> ElementsOf(const Topology& topology, const std::map<int32_t, RankPlace>& ranks) {
  const Topology known = topology.nodes.empty() ? ToldByRanks(ranks) : topology;
  std::map<std::pair<Element::Kind, std::string>, std::vector<int32_t>> sharing;
  for (const auto& [rank, seat] : Seating(known, ranks).Seats()) {
    const TopologyNode& node = known.nodes[seat.node];
    std::string fabric = OfGpu(node.switches, seat.gpu), port = OfGpu(node.ports, seat.gpu);
    std::string rail = node.rails.empty() ? "GPU " + std::to_string(seat.gpu) : OfGpu(node.rails, seat.gpu);
    auto share = [&, rank = rank](Element::Kind kind, const std::string& name) {
      if (!name.empty()) sharing[{kind, name}].push_back(rank);
    };
    share(Element::Kind::kNode, node.name);
    if (!port.empty() && !fabric.empty()) port.insert(0, fabric + "/");
    share(Element::Kind::kPort, port);
    share(Element::Kind::kSwitch, fabric);
    share(Element::Kind::kRail, rail);
    share(Element::Kind::kRack, node.rack);
  }
  std::vector<Element> elements;
  for (auto& [key, shared] : sharing) {
    if (shared.size() < ranks.size()) elements.push_back({key.first, key.second, std::move(shared)});
  }
  return elements;
}

}  // namespace rankscope::diagnose
