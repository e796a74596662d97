#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "store/arena.h"
#include "store/hash_index.h"

namespace rankscope::store {

// Forms of texts that no dictionary has yet, counted: mostly as many as there are lines, each of them seen once. One
// thread.
class NewForms {
 public:
  struct Form {
    std::string_view text;
    uint32_t count;
  };

  static constexpr uint32_t kNone = ~uint32_t{0};

  // The form's number, from 0 on; kNone: it cannot be told from another one.
  uint32_t Count(std::string_view text);
  const std::vector<Form>& forms() const { return forms_; }

 private:
  HashIndex numbers_;
  std::vector<Form> forms_;
  Arena<char> texts_;
};

}  // namespace rankscope::store
