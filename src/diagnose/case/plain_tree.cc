#include "diagnose/case/plain_tree.h"

#include <charconv>

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

PlainTree::Place PlainTree::Add(Node node) {
  nodes_.push_back(std::move(node));
  return static_cast<Place>(nodes_.size() - 1);
}

}  // namespace rankscope::diagnose
