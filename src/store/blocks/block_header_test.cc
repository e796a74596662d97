#include <gtest/gtest.h>

#include "base/coding.h"
#include "store/blocks/block.h"
#include "store/columns/compression.h"

namespace rankscope::store {
namespace {

// Of a block with such schemas, of 1, 5 and 2 rows, and so many columns of fields.
bool Decode(std::vector<std::vector<std::string>> schemas, size_t field_columns, BlockHeader* decoded) {
  BlockHeader header;
  header.origins.emplace_back();
  header.runs = {{0, 8}};
  header.levels = {""};
  header.schemas = std::move(schemas);
  header.pools = {""};
  for (uint32_t rows : {1, 5, 2}) {
    RowClass& row_class = header.classes.emplace_back();
    row_class.schema = static_cast<uint16_t>(header.classes.size() - 1);
    row_class.rows = rows;
  }
  header.columns.resize(kFixedColumns + field_columns);
  std::string raw = EncodeHeader(header), bytes;
  PutCompressed(raw, kColumnLevel, &bytes);
  BlockInfo info;
  info.rows = 8;
  info.header_bytes = static_cast<uint32_t>(bytes.size());
  info.header_raw_bytes = static_cast<uint32_t>(raw.size());
  info.header_checksum = base::Checksum(bytes);
  return DecodeHeader(bytes, info, decoded);
}

bool Decode(size_t field_columns, BlockHeader* decoded) {
  return Decode({{"a"}, {"b", "c"}, {"d", "e", "f"}}, field_columns, decoded);
}

TEST(BlockHeader, OneFieldOfFewRowsSharesNothing) {
  BlockHeader header;
  ASSERT_TRUE(Decode({{"a"}, {"b", "c"}, {}}, 3, &header));
  EXPECT_EQ(header.schema_columns, (std::vector<uint32_t>{kFixedColumns, kFixedColumns + 1, kFixedColumns + 3}));
  EXPECT_EQ(header.shared_at, (std::vector<uint32_t>(3, BlockHeader::kOwn)));
}

TEST(BlockHeader, SchemasOfFewRowsShareTheLastColumn) {
  BlockHeader header;
  ASSERT_TRUE(Decode(2 + 1, &header));
  EXPECT_EQ(header.schema_columns, (std::vector<uint32_t>{kFixedColumns + 2, kFixedColumns, kFixedColumns + 2}));
  EXPECT_EQ(header.shared_at, (std::vector<uint32_t>{0, BlockHeader::kOwn, 1}));
  EXPECT_EQ(header.shared_values, 1u + 3 * 2);
}

TEST(BlockHeader, BeforeVersion4EachFieldHasItsColumn) {
  BlockHeader header;
  ASSERT_TRUE(Decode(1 + 2 + 3, &header));
  EXPECT_EQ(header.schema_columns, (std::vector<uint32_t>{kFixedColumns, kFixedColumns + 1, kFixedColumns + 3}));
  EXPECT_EQ(header.shared_at, (std::vector<uint32_t>(3, BlockHeader::kOwn)));
  EXPECT_EQ(header.shared_values, 0u);
}

TEST(BlockHeader, AnyOtherNumberOfColumnsIsRefused) {
  for (size_t columns : {0, 1, 2, 4, 5, 7}) {
    BlockHeader header;
    EXPECT_FALSE(Decode(columns, &header)) << columns;
  }
}

}  // namespace
}  // namespace rankscope::store
