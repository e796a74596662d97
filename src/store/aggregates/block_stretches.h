#pragma once

#include <cstdint>
#include <vector>

#include "store/aggregates/groups.h"
#include "store/blocks/block_reader.h"
#include "store/scan/selected_rows.h"

namespace rankscope::store {

// Neighbours among a block's selected rows that share their group.
struct Stretch {
  size_t begin, end;  // indexes into SelectedRows::rows
  uint32_t group;
};

// Finds them. A single use; what it is given outlives it.
class BlockStretches {
 public:
  BlockStretches(BlockReader* reader, const SelectedRows& selected, Groups* groups)
      : reader_(reader),
        selected_(selected),
        rows_(selected.rows()),
        groups_(groups),
        dimensions_(groups->dimensions()) {}

  // False: the reader failed or, with a good status, fields stand in for a key in some record, which is then read from
  // the record.
  bool Prepare();
  // REQUIRES Prepare().
  std::vector<Stretch> Cut();

 private:
  // What tells a dimension's value: the one of these that is there.
  struct Dimension {
    std::vector<uint32_t> by_origin, by_shape;     // ids
    const RunTimes* times = nullptr;               // of the selected rows alone, where they are all of a class
    const std::vector<int64_t>* values = nullptr;  // times or steps, of each row of the block
    size_t last_length = 1;                        // of a stretch
  };

  bool Prepare(size_t i);
  uint32_t Same(size_t i, size_t run, size_t at, size_t* end);
  uint32_t SameShape(size_t i, size_t at, size_t* end);
  uint32_t SameTime(size_t i, size_t run, size_t at, size_t* end);
  uint32_t SameBucket(size_t i, size_t at, size_t* end);
  uint16_t ShapeOf(size_t at) const { return reader_->header().classes[reader_->classes()[rows_[at]]].shape; }

  BlockReader* reader_;
  const SelectedRows& selected_;
  const std::vector<uint32_t>& rows_;
  Groups* groups_;
  std::vector<Dimension> dimensions_;
};

}  // namespace rankscope::store
