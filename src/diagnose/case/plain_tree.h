#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rankscope::diagnose {

// Plain values as another program wrote them: numbers, texts, lists (and tuples), dictionaries. A node may be part of
// several others, or of itself, so nothing walks down without an end.
class PlainTree {
 public:
  enum class Kind : uint8_t { kNone, kBool, kInteger, kReal, kText, kList, kDict };
  using Place = uint32_t;

  struct Node {
    Kind kind = Kind::kNone;
    int64_t integer = 0;  // kBool, kInteger
    double real = 0;
    std::string text;
    std::vector<Place> items;  // kDict: key, value, key, …
  };

  static constexpr size_t kMostNodes = 8 << 20;

  const Node& root() const { return nodes_[root_]; }
  const Node& at(Place place) const { return nodes_[place]; }

  // The dictionary's value; null: no dictionary, or none.
  const Node* Find(const Node& dict, std::string_view key) const;
  // As a whole number, also where it is written as text; nothing: it is none.
  std::optional<int64_t> Integer(const Node* node) const;
  std::string Text(const Node* node) const;  // empty: no text

  // What reading all of it takes, each value counted as often as it is part of another and texts by their bytes; `most`
  // where it is that or more, or a value is part of itself.
  size_t Weight(size_t most) const;

  // For readers of formats. REQUIRES places of this tree.
  Place Add(Node node);
  Node& Change(Place place) { return nodes_[place]; }
  void SetRoot(Place place) { root_ = place; }
  size_t size() const { return nodes_.size(); }

 private:
  std::vector<Node> nodes_;
  Place root_ = 0;
};

// Reads a pickle of plain containers, texts and numbers, protocol 2 to 5. Nothing is executed: any other opcode is
// kInvalid, which says which and at which byte. Linear in time and memory.
base::Result<PlainTree> ReadPickle(std::string_view bytes);

// Reads one JSON value.
base::Result<PlainTree> ReadJson(std::string_view bytes);

}  // namespace rankscope::diagnose
