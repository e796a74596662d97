#include "store/rollups/block_rollup.h"

#include <limits>

#include "base/coding.h"
#include "store/blocks/block_tables.h"
#include "store/columns/compression.h"
#include "store/columns/integer_column.h"

namespace rankscope::store {
namespace {

constexpr uint64_t kMaxHeadBytes = 64 << 20;
constexpr size_t kMaxTable = 1 << 16;
constexpr uint64_t kMinutes = std::numeric_limits<int64_t>::max() / kRollupWidth;

bool ReadTables(std::string_view head, BlockHeader* header) {
  base::ByteReader in(head);
  ReadOrigins(&in, &header->origins);
  ReadTexts(&in, &header->levels);
  ReadSchemas(&in, &header->schemas);
  for (uint64_t left = ReadCount(&in); left > 0 && in.ok(); --left) {
    RowClass& row_class = header->classes.emplace_back();
    ReadShape(&in, *header, &row_class);
    row_class.rows = static_cast<uint32_t>(in.Varint());
  }
  return in.ok() && in.empty() && header->origins.size() <= kMaxTable && header->classes.size() <= kMaxTable &&
         header->levels.size() <= kMaxTable && header->schemas.size() <= kMaxTable;
}

bool ReadCells(base::ByteReader* in, uint64_t rows, BlockRollup* rollup) {
  uint64_t count = in->Varint();
  if (count > rows) return false;
  std::vector<int64_t> columns[4];
  for (auto& column : columns) {
    if (!DecodeIntegers(in->String(), count, &column)) return false;
  }
  const auto& [origins, shapes, minutes, cell_rows] = columns;
  const BlockHeader& header = rollup->header;
  rollup->schema_cells.resize(header.schemas.size());
  rollup->cells.reserve(count);
  uint64_t seen = 0;
  for (size_t i = 0; i < count; ++i) {
    auto below = [i](const std::vector<int64_t>& values, uint64_t end) {
      return static_cast<uint64_t>(values[i]) < end;
    };
    bool sound = below(origins, header.origins.size()) && below(shapes, header.classes.size()) &&
                 below(minutes, kMinutes) && below(cell_rows, rows + 1) && cell_rows[i] > 0;
    if (!sound) return false;
    auto shape = static_cast<uint16_t>(shapes[i]);
    ++rollup->schema_cells[header.classes[shape].schema];
    rollup->cells.push_back({static_cast<int32_t>(minutes[i]), static_cast<uint32_t>(cell_rows[i]),
                             static_cast<uint16_t>(origins[i]), shape});
    seen += static_cast<uint64_t>(cell_rows[i]);
  }
  return seen == rows && count > 0;
}

}  // namespace

// A class is its shape's only one, so that a cell's shape is its class.
bool IndexRollupHeader(BlockHeader* header) {
  IndexClasses(header);
  uint32_t next = 0;
  for (const auto& names : header->schemas) {
    header->schema_columns.push_back(next);
    next += static_cast<uint32_t>(names.size());
  }
  header->any_step = true;
  header->min_step = std::numeric_limits<int64_t>::min();
  header->max_step = std::numeric_limits<int64_t>::max();
  return header->shapes.size() == header->classes.size();
}

bool DecodeRollup(std::string_view bytes, uint64_t rows, BlockRollup* rollup) {
  base::ByteReader in(bytes);
  uint64_t raw_bytes = in.Varint();
  std::string head;
  if (raw_bytes > kMaxHeadBytes || !ReadCompressed(in.String(), raw_bytes, &head)) return false;
  if (!ReadTables(head, &rollup->header) || !IndexRollupHeader(&rollup->header) || !ReadCells(&in, rows, rollup))
    return false;
  for (const auto& names : rollup->header.schemas) {
    for (size_t field = 0; field < names.size(); ++field) rollup->numbers.emplace_back(in.String());
  }
  return in.ok() && in.empty();
}

std::unique_ptr<const BlockRollup> ReadBlockRollup(const Segment& segment, size_t block) {
  const BlockInfo& info = segment.blocks()[block];
  if (info.rollup_bytes == 0) return nullptr;
  auto bytes = segment.ReadRollup(block);
  auto rollup = std::make_unique<BlockRollup>();
  if (!bytes.ok() || !DecodeRollup(*bytes, info.rows, rollup.get())) return nullptr;
  return rollup;
}

}  // namespace rankscope::store
