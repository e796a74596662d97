#include "diagnose/case/plain_tree.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace rankscope::diagnose {

const PlainTree::Node* PlainTree::Find(const Node& dict, std::string_view key) const {
  if (dict.kind != Kind::kDict) return nullptr;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const Node& name = at(dict.items[i]);
    if (name.kind == Kind::kText && name.text == key) return &at(dict.items[i + 1]);
  }
  return nullptr;
}

std::optional<int64_t> PlainTree::Integer(const Node* node) const {
  if (node == nullptr) return std::nullopt;
  if (node->kind == Kind::kBool || node->kind == Kind::kInteger) return node->integer;
  if (node->kind != Kind::kText) return std::nullopt;
  int64_t number = 0;
  const char* end = node->text.data() + node->text.size();
  auto [stop, error] = std::from_chars(node->text.data(), end, number);
  return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

std::string PlainTree::Text(const Node* node) const {
  return node != nullptr && node->kind == Kind::kText ? node->text : std::string();
}

size_t PlainTree::Weight(size_t most) const {
  std::vector<size_t> weights(nodes_.size(), 0);              // 0: not begun; `most` until it is known
  std::vector<std::pair<Place, size_t>> open = {{root_, 0}};  // a value, and its next part
  weights[root_] = most;
  size_t sum = 0;  // of a value's parts; kept aside in `sums` while one of them is weighed
  std::vector<size_t> sums;
  for (;;) {
    auto& [place, next] = open.back();
    const Node& node = nodes_[place];
    if (next < node.items.size()) {
      const Place part = node.items[next++];
      if (weights[part] > 0) {
        sum = std::min(most, sum + weights[part]);
        continue;
      }
      weights[part] = most;
      sums.push_back(std::exchange(sum, 0));
      open.emplace_back(part, 0);
      continue;
    }
    weights[place] = std::min(most, sum + 1 + node.text.size());
    if (sums.empty()) return weights[place];
    sum = std::min(most, sums.back() + weights[place]);
    sums.pop_back();
    open.pop_back();
  }
}

PlainTree::Place PlainTree::Add(Node node) {
  nodes_.push_back(std::move(node));
  return static_cast<Place>(nodes_.size() - 1);
}

}  // namespace rankscope::diagnose
