#include "store/blocks/row_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

#include "model/record_batch.h"

namespace rankscope::store {
namespace {

// Of three ranks, the last of which prints in the order of time.
std::vector<model::Record> SomeRecords() {
  std::mt19937 random(17);
  std::vector<model::Record> records(500);
  for (size_t i = 0; i < records.size(); ++i) {
    auto rank = static_cast<int32_t>(random() % 3);
    records[i].origin.rank = 2 - rank;
    records[i].time = rank == 0 ? static_cast<base::TimeNs>(i) : static_cast<base::TimeNs>(random() % 20);
    records[i].seq = random() % 3;
    records[i].text = "record " + std::to_string(i);
  }
  return records;
}

TEST(RowBuffer, RowsAreInTheOrderOfRankTimeSeqAndArrival) {
  auto dictionary = TemplateDictionary::Open(testing::TempDir() + "no-such-templates");
  ASSERT_TRUE(dictionary.ok());
  RowBuffer buffer(*dictionary);
  std::vector<model::Record> records = SomeRecords();
  auto batch = model::BatchOf(records);
  model::RecordBatch::Cursor cursor(*batch);
  model::RecordView view;
  while (cursor.Next(&view)) buffer.Add(view);
  buffer.Finish();
  std::stable_sort(records.begin(), records.end(), [](const model::Record& a, const model::Record& b) {
    return std::tie(a.origin.rank, a.time, a.seq) < std::tie(b.origin.rank, b.time, b.seq);
  });
  ASSERT_EQ(buffer.size(), records.size());
  std::vector<Row> rows = buffer.Rows(100, records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(buffer.row(i).Text(), records[i].text);
    EXPECT_EQ(buffer.origins()[buffer.row(i).origin].rank, records[i].origin.rank);
    if (i < 100) continue;
    EXPECT_EQ(rows[i - 100].Text(), records[i].text);
  }
}

}  // namespace
}  // namespace rankscope::store
