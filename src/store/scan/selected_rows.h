#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace rankscope::store {

// Rows of a block, and of which classes they may be.
struct SelectedRows {
  std::shared_ptr<const std::vector<uint32_t>> list;  // ascending; null: none
  std::vector<uint16_t> classes;                      // none twice
  // The rows are all rows of this class.
  std::optional<uint16_t> whole_class{};

  const std::vector<uint32_t>& rows() const {
    static const std::vector<uint32_t> none;
    return list ? *list : none;
  }
};

}  // namespace rankscope::store
