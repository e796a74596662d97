#pragma once

#include <memory>
#include <span>
#include <vector>

#include "store/columns/column_cache.h"
#include "store/rollups/block_rollup.h"
#include "store/rollups/rollup_numbers.h"

namespace rankscope::store {

// What the rows of one block, or of all blocks of a segment, come to: of each origin, shape and minute one cell, in
// however many blocks its rows lie. It follows from the blocks' rollups, is not stored, and is made when a query first
// asks for it. Any thread.
class Rollup {
 public:
  // The cells of one origin and shape, by minute.
  struct Run {
    uint16_t origin, shape;  // indexes into the header's tables
    uint32_t begin, end;     // its cells
    uint32_t place;          // of the first one among the cells of its schema
  };

  // Null: the block has none, or it cannot be read. `cache` may be null.
  static std::shared_ptr<const Rollup> OfBlock(const Segment& segment, size_t block, ColumnCache* cache);
  // Of those of its blocks that have one: Knows says which. Never null; of no block where it would be too large to
  // keep.
  static std::shared_ptr<const Rollup> OfSegment(const Segment& segment, ColumnCache* cache);

  // Whether the block's rows are in it.
  bool Knows(size_t block) const;
  // As a BlockRollup's.
  const BlockHeader& header() const { return header_; }
  const std::vector<Run>& runs() const { return runs_; }  // by origin, then shape
  // By cell: its minute since 1970, and its rows.
  const std::vector<int32_t>& minutes() const { return minutes_; }
  const std::vector<uint32_t>& rows() const { return rows_; }
  int32_t first_minute() const { return first_minute_; }
  int32_t last_minute() const { return last_minute_; }

  // What the field comes to in the cells of its schema. Null: in one of the blocks it is not known, or they are not all
  // integers or all doubles. REQUIRES the segment and the cache that it was made with.
  std::shared_ptr<const RollupColumn> Column(const Segment& segment, uint16_t schema, size_t field, RollupPart part,
                                             ColumnCache* cache) const;
  size_t Memory() const;

 private:
  class Folder;
  class CellFinder;
  class ColumnFolder;
  // A block, and where the entries of its tables are in those of the header.
  struct Source {
    uint32_t block;
    std::vector<uint16_t> origins, shapes, schemas;
  };

  static std::shared_ptr<const Rollup> Of(const Segment& segment, size_t begin, size_t end, uint32_t key,
                                          ColumnCache* cache);
  // Where the minute is among those of a run, or would be. They mostly follow each other, so that the place of one is
  // known from the first. REQUIRES that there are any.
  static size_t PlaceOf(std::span<const int32_t> minutes, int32_t minute);
  bool Fold(const Segment& segment, uint16_t schema, size_t field, RollupPart part, RollupColumn* column) const;

  BlockHeader header_;
  std::vector<Source> sources_;  // in the order of their blocks
  std::vector<Run> runs_;
  std::vector<int32_t> minutes_;
  std::vector<uint32_t> rows_;
  std::vector<uint32_t> schema_cells_;
  int32_t first_minute_ = 0, last_minute_ = 0;
  uint32_t key_ = 0;  // of what is kept of it, in place of a block's number
};

}  // namespace rankscope::store
