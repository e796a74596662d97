#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "store/blocks/block.h"
#include "store/blocks/row_buffer.h"

namespace rankscope::store {

// How the rows of a block are sorted: by origin into runs, by what they have beside numbers into classes, and classes
// by what their variables are into pools.
struct BlockClasses {
  std::vector<uint32_t> origins, levels, schemas;  // the buffer's numbers, by the block's own
  std::vector<BlockHeader::Run> runs;
  std::vector<RowClass> classes;   // the frequent ones first: their numbers are small
  std::vector<uint32_t> class_of;  // by row
  std::vector<std::string> pools;  // as BlockHeader has them
};

// Of rows of the finished buffer.
BlockClasses ClassifyRows(const RowBuffer& buffer, std::span<const Row> rows);

}  // namespace rankscope::store
