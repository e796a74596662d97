#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "store/blocks/row_buffer.h"

namespace rankscope::store {

// What a segment's footer knows of a block.
struct BlockInfo {
  uint64_t offset = 0;  // in the file
  uint32_t bytes = 0;   // of columns, then rollup, then header
  uint32_t header_bytes = 0, header_raw_bytes = 0;
  uint64_t header_checksum = 0;
  uint32_t rollup_bytes = 0, rollup_checksum = 0;
  uint32_t rows = 0;
  base::TimeNs min_time = 0, max_time = 0;
};

// What rows have beside their text and numbers.
struct RowShape {
  model::Stream stream = model::Stream::kStdout;
  bool has_step = false;
  uint16_t level = 0, schema = 0;  // indexes into the block's tables

  bool operator==(const RowShape&) const = default;
};

// A class of rows: those that are alike in all but numbers. There are thousands in a block.
struct RowClass : RowShape {
  uint16_t shape = 0;  // its own, among the header's shapes
  uint16_t pool = 0;   // of its variables; 0: none, else the pool's number from 1
  uint32_t form = 0;   // as Row::form
  uint32_t rows = 0;
};

// Columns of at most so many bytes lie in the header itself.
inline constexpr size_t kInlineBytes = 48;

// The decoded header of a block. Grammar and worked example: docs/design/segment.md.
struct BlockHeader {
  struct Run {
    uint32_t origin, rows;
  };
  struct Column {
    uint32_t offset = 0, bytes = 0, checksum = 0;  // in the block
    std::string here;                              // small ones lie in the header itself
  };
  std::vector<model::Origin> origins;  // without project and job
  std::vector<Run> runs;               // rows lie by origin, then time
  std::vector<std::string> levels;
  std::vector<std::vector<std::string>> schemas;
  std::vector<RowClass> classes;
  std::vector<RowShape> shapes;  // of the classes, each once
  // The classes by shape: those of one are by_shape[shape_begins[shape]…shape_begins[shape + 1]), ascending.
  std::vector<uint32_t> shape_begins;
  std::vector<uint16_t> by_shape;
  // The classes' forms in ascending order, and whose they are.
  std::vector<uint32_t> forms;
  std::vector<uint16_t> by_form;
  std::vector<std::string> pools;  // the markers of each pool's slots; index 0 is none
  int64_t min_step = 0, max_step = 0;
  bool any_step = false;
  int64_t time_unit = 1;
  std::vector<Column> columns;
  // Where the columns of a pool's slots begin, and how many rows it has.
  std::vector<uint32_t> pool_columns, pool_rows;
  // Likewise of a schema's fields, which have a column each; or, where it has few rows, lie in the one column that
  // schemas share, from shared_at on, field after field.
  static constexpr uint32_t kOwn = ~uint32_t{0};
  std::vector<uint32_t> schema_columns, schema_rows, shared_at;
  uint32_t shared_values = 0;

  size_t Memory() const;
};

// Sets what a block knows of an origin: all but project and job.
inline void SetPlace(const model::Origin& of_block, model::Origin* origin) {
  if (origin->host != of_block.host) origin->host = of_block.host;
  origin->attempt = of_block.attempt;
  origin->node_rank = of_block.node_rank;
  origin->rank = of_block.rank;
  origin->local_rank = of_block.local_rank;
}

// Which of the schemas, with so many rows each, share a column: those of few, of whose fields a column each would cost
// more than the values. With one such field in all there is nothing to share, and the number of columns would not tell
// this layout from that of before.
std::vector<bool> SharingSchemas(const std::vector<std::vector<std::string>>& schemas,
                                 const std::vector<uint32_t>& rows);

// The fixed columns of each block; then two for each slot of each pool, then one for each field of each schema that has
// its own, then the shared one, if there is any.
enum BlockColumn : uint32_t {
  kClassColumn,
  kTimeStartColumn,
  kTimeColumn,
  kSeqColumn,
  kStepColumn,
  kRawTextColumn,
  kWordsColumn,
  kFixedColumns
};

// Encodes rows [begin, end) of the finished buffer; appends to *file, where the block begins at `offset`.
BlockInfo EncodeBlock(const RowBuffer& buffer, size_t begin, size_t end, uint64_t offset, std::string* file);

// Numbers the classes' shapes, in the order in which they come, and gives them, each once.
std::vector<RowShape> NumberShapes(std::vector<RowClass>* classes);

// Makes the tables that are not written, since they follow from the classes: shapes, and the orders by form and shape.
void IndexClasses(BlockHeader* header);

// The header's bytes, of the tables, classes, steps and columns in it.
std::string EncodeHeader(const BlockHeader& header);
// The header from the last header_bytes of a block. False when it is not one.
bool DecodeHeader(std::string_view bytes, const BlockInfo& info, BlockHeader* header);

}  // namespace rankscope::store
