#include "diagnose/verdict/node_words.h"

#include <algorithm>

namespace rankscope::diagnose {
namespace {

const CaseNode* FindNode(const Case& read, const std::optional<int32_t>& node_rank) {
  auto node =
      std::find_if(read.nodes.begin(), read.nodes.end(), [&](const CaseNode& n) { return n.node_rank == node_rank; });
  return node == read.nodes.end() ? nullptr : &*node;
}

// One of its own, which tells its local rank.
const Line* LineOfRank(const Reading& reading, int32_t rank) {
  for (size_t i = 0; i < reading.ranks.size(); ++i) {
    if (reading.ranks[i] == rank && reading.read->lines[i].local_rank) return &reading.read->lines[i];
  }
  return nullptr;
}

}  // namespace

std::string NodeWords(const Case& read, int32_t node_rank) {
  const CaseNode* node = FindNode(read, node_rank);
  return "node " + std::to_string(node_rank) + (node ? " (" + node->name + ")" : "");
}

std::string PlaceOfCulprit(const Reading& reading, size_t root, const Verdict& verdict) {
  if (!verdict.culprit) return "";
  const std::optional<int32_t> rank = verdict.culprit->rank;
  const Line* line = rank ? LineOfRank(reading, *rank) : &reading.read->lines[root];
  const CaseNode* node = line ? FindNode(*reading.read, line->node_rank) : nullptr;
  if (!node || !line->local_rank) return "";
  std::string words = (rank ? "rank " + std::to_string(*rank) : "it") + " is local rank " +
                      std::to_string(*line->local_rank) + " of " + NodeWords(*reading.read, node->node_rank);
  if (!node->told) words += "; nodes are counted in the order of their names, since no line tells its rank";
  if (!rank) words += "; its global rank is open: no line tells how many ranks a node has";
  return words;
}

}  // namespace rankscope::diagnose
