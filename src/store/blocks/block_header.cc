#include <algorithm>
#include <array>
#include <numeric>

#include "base/coding.h"
#include "store/blocks/block.h"
#include "store/blocks/block_tables.h"
#include "store/columns/compression.h"

namespace rankscope::store {
namespace {

constexpr uint32_t kMaxHeaderBytes = 64 << 20;
constexpr size_t kMaxTable = 1 << 16;  // entries: a block has fewer rows

bool ReadTables(base::ByteReader* in, BlockHeader* header) {
  ReadOrigins(in, &header->origins);
  for (uint64_t left = ReadCount(in); left > 0 && in->ok(); --left) {
    BlockHeader::Run run{static_cast<uint32_t>(in->Varint()), static_cast<uint32_t>(in->Varint())};
    if (run.origin >= header->origins.size()) return false;
    header->runs.push_back(run);
  }
  ReadTexts(in, &header->levels);
  ReadSchemas(in, &header->schemas);
  header->pools.emplace_back();
  ReadTexts(in, &header->pools);
  for (const std::string& markers : header->pools) {
    if (!std::all_of(markers.begin(), markers.end(), IsMarker)) return false;
  }
  return in->ok();
}

bool ReadClasses(base::ByteReader* in, BlockHeader* header) {
  for (uint64_t left = ReadCount(in); left > 0 && in->ok(); --left) {
    RowClass& row_class = header->classes.emplace_back();
    ReadShape(in, *header, &row_class);
    row_class.form = static_cast<uint32_t>(in->Varint());
    uint64_t pool = in->Varint();
    row_class.rows = static_cast<uint32_t>(in->Varint());
    if (pool >= header->pools.size()) return false;
    row_class.pool = static_cast<uint16_t>(pool);
  }
  return in->ok() && header->classes.size() <= kMaxTable && header->levels.size() <= kMaxTable &&
         header->schemas.size() <= kMaxTable && header->pools.size() <= kMaxTable;
}

// By digits: half of reading a header would be sorting else. Entries are form << 16 | class, by class.
void SortByForm(std::vector<uint64_t>* order) {
  constexpr unsigned kDigitBits = 9, kFormAt = 16;
  uint64_t largest = order->empty() ? 0 : *std::max_element(order->begin(), order->end());
  std::vector<uint64_t> sorted(order->size());
  for (unsigned shift = kFormAt; shift < 64 && largest >> shift != 0; shift += kDigitBits) {
    std::array<uint32_t, (1 << kDigitBits) + 1> next{};
    auto digit = [shift](uint64_t entry) { return entry >> shift & ((1 << kDigitBits) - 1); };
    for (uint64_t entry : *order) ++next[digit(entry) + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    for (uint64_t entry : *order) sorted[next[digit(entry)]++] = entry;
    order->swap(sorted);
  }
}

void IndexByShape(BlockHeader* header) {
  auto& begins = header->shape_begins;
  begins.resize(header->shapes.size() + 1);
  for (const RowClass& row_class : header->classes) ++begins[row_class.shape + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<uint32_t> next = begins;
  header->by_shape.resize(header->classes.size());
  for (size_t number = 0; number < header->classes.size(); ++number) {
    header->by_shape[next[header->classes[number].shape]++] = static_cast<uint16_t>(number);
  }
}

bool ReadColumns(base::ByteReader* in, BlockHeader* header) {
  uint32_t offset = 0;
  for (uint64_t left = ReadCount(in); left > 0 && in->ok(); --left) {
    BlockHeader::Column& column = header->columns.emplace_back();
    column.bytes = static_cast<uint32_t>(in->Varint());
    if (column.bytes <= kInlineBytes) {
      column.here = in->Bytes(column.bytes);
      continue;
    }
    column.checksum = in->Fixed32();
    column.offset = offset;
    offset += column.bytes;
  }
  return in->ok() && in->empty();
}

void CountRows(BlockHeader* header) {
  header->pool_rows.resize(header->pools.size());
  header->schema_rows.resize(header->schemas.size());
  for (const RowClass& row_class : header->classes) {
    header->pool_rows[row_class.pool] += row_class.rows;
    header->schema_rows[row_class.schema] += row_class.rows;
  }
}

// Where the schemas' fields lie from the column on, by which of them share one; in blocks of before version 4 none
// does. The column behind the last one.
uint32_t LocateFields(uint32_t next, const std::vector<bool>& sharing, BlockHeader* header) {
  header->schema_columns.clear();
  header->shared_at.clear();
  header->shared_values = 0;
  for (size_t schema = 0; schema < header->schemas.size(); ++schema) {
    auto fields = static_cast<uint32_t>(header->schemas[schema].size());
    header->schema_columns.push_back(next);
    header->shared_at.push_back(sharing[schema] ? header->shared_values : BlockHeader::kOwn);
    if (sharing[schema]) {
      header->shared_values += fields * header->schema_rows[schema];
    } else {
      next += fields;
    }
  }
  for (size_t schema = 0; schema < header->schemas.size(); ++schema) {
    if (header->shared_at[schema] != BlockHeader::kOwn) header->schema_columns[schema] = next;
  }
  return next + (header->shared_values > 0 ? 1 : 0);
}

// Where each pool's and schema's columns begin, and that there are as many as there should be. The two layouts have as
// many columns only where they are the same.
bool Locate(BlockHeader* header) {
  CountRows(header);
  uint32_t next = kFixedColumns;
  for (const std::string& markers : header->pools) {
    header->pool_columns.push_back(next);
    next += static_cast<uint32_t>(2 * markers.size());
  }
  const size_t schemas = header->schemas.size();
  return LocateFields(next, SharingSchemas(header->schemas, header->schema_rows), header) == header->columns.size() ||
         LocateFields(next, std::vector<bool>(schemas), header) == header->columns.size();
}

}  // namespace

std::vector<bool> SharingSchemas(const std::vector<std::vector<std::string>>& schemas,
                                 const std::vector<uint32_t>& rows) {
  constexpr uint32_t kFewRows = 4;
  std::vector<bool> sharing(schemas.size());
  size_t fields = 0;
  for (size_t schema = 0; schema < schemas.size(); ++schema) {
    sharing[schema] = rows[schema] < kFewRows;
    if (sharing[schema]) fields += schemas[schema].size();
  }
  return fields < 2 ? std::vector<bool>(schemas.size()) : sharing;
}

std::vector<RowShape> NumberShapes(std::vector<RowClass>* classes) {
  std::vector<RowShape> shapes;
  std::unordered_map<uint64_t, uint16_t> index;
  for (RowClass& row_class : *classes) {
    // Neighbours are mostly alike.
    if (!shapes.empty() && shapes.back() == row_class) {
      row_class.shape = static_cast<uint16_t>(shapes.size() - 1);
      continue;
    }
    uint64_t key = uint64_t{row_class.schema} << 32 | uint64_t{row_class.level} << 16 |
                   static_cast<uint64_t>(row_class.stream) << 1 | (row_class.has_step ? 1 : 0);
    auto [at, added] = index.try_emplace(key, static_cast<uint16_t>(shapes.size()));
    if (added) shapes.push_back(row_class);
    row_class.shape = at->second;
  }
  return shapes;
}

void IndexClasses(BlockHeader* header) {
  header->shapes = NumberShapes(&header->classes);
  std::vector<uint64_t> order;  // forms and whose they are
  for (const RowClass& row_class : header->classes) {
    order.push_back(uint64_t{row_class.form} << 16 | order.size());
  }
  IndexByShape(header);
  SortByForm(&order);
  for (uint64_t entry : order) {
    header->forms.push_back(static_cast<uint32_t>(entry >> 16));
    header->by_form.push_back(static_cast<uint16_t>(entry));
  }
}

size_t BlockHeader::Memory() const {
  size_t size = sizeof *this + origins.size() * sizeof(model::Origin) +
                classes.size() * (sizeof(RowClass) + sizeof(uint32_t) + 2 * sizeof(uint16_t)) +
                shapes.size() * sizeof(RowShape) + columns.size() * sizeof(Column) + runs.size() * sizeof(Run) +
                pools.size() * 48;
  for (const auto& names : schemas) size += names.size() * 48;
  return size;
}

std::string EncodeHeader(const BlockHeader& header) {
  std::string out;
  PutOrigins(header.origins, &out);
  base::PutVarint(&out, header.runs.size());
  for (const BlockHeader::Run& run : header.runs) {
    base::PutVarint(&out, run.origin);
    base::PutVarint(&out, run.rows);
  }
  PutTexts(header.levels, &out);
  PutSchemas(header.schemas, &out);
  base::PutVarint(&out, header.pools.size() - 1);
  for (size_t pool = 1; pool < header.pools.size(); ++pool) base::PutString(&out, header.pools[pool]);
  base::PutVarint(&out, header.classes.size());
  for (const RowClass& row_class : header.classes) {
    PutShape(row_class, &out);
    base::PutVarint(&out, row_class.form);
    base::PutVarint(&out, row_class.pool);
    base::PutVarint(&out, row_class.rows);
  }
  out.push_back(header.any_step ? 1 : 0);
  base::PutSigned(&out, header.min_step);
  base::PutSigned(&out, header.max_step);
  base::PutVarint(&out, static_cast<uint64_t>(header.time_unit));
  base::PutVarint(&out, header.columns.size());
  for (const BlockHeader::Column& column : header.columns) {
    base::PutVarint(&out, column.bytes);
    if (column.bytes <= kInlineBytes) {
      out += column.here;
    } else {
      base::PutFixed32(&out, column.checksum);
    }
  }
  return out;
}

bool DecodeHeader(std::string_view bytes, const BlockInfo& info, BlockHeader* header) {
  if (bytes.size() != info.header_bytes || base::Checksum(bytes) != info.header_checksum) return false;
  std::string raw;
  if (info.header_raw_bytes > kMaxHeaderBytes || !ReadCompressed(bytes, info.header_raw_bytes, &raw)) return false;
  base::ByteReader in(raw);
  if (!ReadTables(&in, header) || !ReadClasses(&in, header)) return false;
  header->any_step = in.Byte() != 0;
  header->min_step = in.Signed();
  header->max_step = in.Signed();
  header->time_unit = static_cast<int64_t>(in.Varint());
  uint64_t rows = 0, run_rows = 0;
  for (const RowClass& row_class : header->classes) rows += row_class.rows;
  for (const BlockHeader::Run& run : header->runs) run_rows += run.rows;
  if (header->time_unit <= 0 || rows != info.rows || run_rows != info.rows || !ReadColumns(&in, header) ||
      !Locate(header))
    return false;
  IndexClasses(header);
  return true;
}

}  // namespace rankscope::store
