#pragma once

#include <cstdint>
#include <vector>

#include "store/blocks/block.h"

namespace rankscope::store {

// Finds the rows of some of a block's classes.
class ClassRows {
 public:
  ClassRows(const BlockHeader& header, const std::vector<uint16_t>& wanted);

  // Appends, ascending, those of [first, last), which may be empty or the wrong way round, whose class is wanted.
  // `classes`: of each row of the block.
  void Append(const std::vector<uint16_t>& classes, uint32_t first, uint32_t last, std::vector<uint32_t>* rows) const;

 private:
  void AppendOf(uint16_t number, const uint16_t* classes, uint32_t first, uint32_t last,
                std::vector<uint32_t>* rows) const;

  std::vector<uint16_t> few_;  // the wanted ones, if they are few
  std::vector<char> wanted_;   // by class, if they are not
  bool all_;
  uint64_t rows_ = 0;  // of the wanted classes
};

}  // namespace rankscope::store
