#include "store/scan/filter_node.h"

namespace rankscope::store {

using KeyKind = model::RecordKey::Kind;

bool IsOriginKey(KeyKind kind) {
  return kind == KeyKind::kProject || kind == KeyKind::kJob || kind == KeyKind::kAttempt ||
         kind == KeyKind::kNodeRank || kind == KeyKind::kRank || kind == KeyKind::kLocalRank || kind == KeyKind::kHost;
}

base::Result<std::shared_ptr<FilterNode>> FilterNode::Make(const model::Filter& filter) {
  auto node = std::make_shared<FilterNode>();
  node->kind = filter.kind;
  for (const model::Filter& child : filter.children) {
    ASSIGN_OR_RETURN(auto made, Make(child));
    node->children.push_back(std::move(made));
  }
  if (!node->leaf()) return node;
  node->filter = filter;
  if (filter.kind == Kind::kTime) {
    node->key.kind = KeyKind::kTimestamp;
    return node;
  }
  node->key = model::RecordKey::Of(filter.name);
  ASSIGN_OR_RETURN(model::Matcher matcher, model::Matcher::Compile(filter));
  node->matcher = std::make_unique<model::Matcher>(std::move(matcher));
  if (node->key.kind == KeyKind::kMessage) {
    ASSIGN_OR_RETURN(node->term, TextTerm::Make(filter));
  }
  return node;
}

bool FilterNode::OnlyOrigins() const {
  bool only = true, any = false;
  ForEachLeaf([&](const FilterNode& node) {
    any = true;
    only = only && node.kind != Kind::kTime && IsOriginKey(node.key.kind);
  });
  return only && any;
}

bool FilterNode::OnlyJobs() const {
  bool only = true;
  ForEachLeaf([&](const FilterNode& node) {
    only = only && node.kind != Kind::kTime && (node.key.kind == KeyKind::kProject || node.key.kind == KeyKind::kJob);
  });
  return only;
}

bool FilterNode::AsksText() const {
  bool asks = false;
  ForEachLeaf([&](const FilterNode& node) { asks = asks || node.term; });
  return asks;
}

bool FilterNode::HoldsForOrigin(const model::Record& record) const {
  auto holds = [&](const auto& child) { return child->HoldsForOrigin(record); };
  switch (kind) {
    case Kind::kAll:
      return true;
    case Kind::kAnd:
      return std::all_of(children.begin(), children.end(), holds);
    case Kind::kOr:
      return std::any_of(children.begin(), children.end(), holds);
    case Kind::kNot:
      return !holds(children[0]);
    default:
      return matcher->Matches(record);
  }
}

}  // namespace rankscope::store
