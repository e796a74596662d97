#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/blocks/block.h"
#include "store/segment.h"

namespace rankscope::store {

// The width of a cell in time.
inline constexpr base::TimeNs kRollupWidth = 60 * base::kNsPerSecond;

// What a block's rows come to by origin, shape and minute, as it is stored: enough for counts, sums, means and extremes
// by any of these, a fortieth of the rows where a rank prints one a second. Format: docs/design/segment.md.
struct BlockRollup {
  struct Cell {
    int32_t minute;          // since 1970
    uint32_t rows;           // at least one
    uint16_t origin, shape;  // indexes into the header's tables

    base::TimeNs start() const { return minute * kRollupWidth; }
  };
  // Origins, levels and schemas; of each shape one class, which has its number, and its rows. Steps are not known.
  BlockHeader header;
  std::vector<Cell> cells;
  std::vector<uint32_t> schema_cells;  // by schema, how many
  // Of each field of each schema, in this order: of the schema's cells, as RollupNumbers are written; empty: they are
  // not all integers, or not all finite doubles.
  std::vector<std::string> numbers;

  const std::string& NumbersOf(uint32_t schema, size_t field) const {
    return numbers[header.schema_columns[schema] + field];
  }
};

// Null: the block has none, or it cannot be read, which is no failure: its rows are there.
std::unique_ptr<const BlockRollup> ReadBlockRollup(const Segment& segment, size_t block);
// False when the bytes are not the rollup of so many rows.
bool DecodeRollup(std::string_view bytes, uint64_t rows, BlockRollup* rollup);
// Makes what follows from the tables of a rollup's header. False: two of its classes are of one shape.
bool IndexRollupHeader(BlockHeader* header);

}  // namespace rankscope::store
