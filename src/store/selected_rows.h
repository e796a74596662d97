#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace rankscope::store {

// Rows of a block, and of which classes they may be.
struct SelectedRows {
  std::vector<uint32_t> rows;     // ascending
  std::vector<uint16_t> classes;  // none twice
  // The rows are all rows of this class.
  std::optional<uint16_t> whole_class{};
};

}  // namespace rankscope::store
