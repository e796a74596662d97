#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "store/texts/arena.h"
#include "store/texts/hash_index.h"

namespace rankscope::store {

// Forms of texts that no dictionary has yet, counted: mostly as many as there are lines, each of them seen once. One
// thread.
class NewForms {
 public:
  struct Form {
    std::string_view text;
    uint64_t hash;
    uint32_t count;
  };

  static constexpr uint32_t kNone = ~uint32_t{0};

  // The number, from 0 on, of the form of that hash; kNone: it cannot be told from another one. `stays`: the text
  // outlives this, and need not be copied.
  uint32_t Count(std::string_view text, uint64_t hash, bool stays);
  const std::vector<Form>& forms() const { return forms_; }

 private:
  HashIndex numbers_;
  std::vector<Form> forms_;
  Arena<char> texts_;
};

}  // namespace rankscope::store
