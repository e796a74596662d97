#include "model/record_batch.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rankscope::model {
namespace {

std::vector<Record> Example() {
  Record line;
  line.origin.job = "j";
  line.origin.rank = 7;
  line.time = 1'000'000'000;
  line.seq = 41;
  line.text = "step 3\nof 4";
  Record metric = line;
  metric.origin.rank.reset();
  metric.origin.host = "node-0";
  metric.stream = Stream::kMetric;
  metric.time -= 5;
  metric.seq = 42;
  metric.step = -3;
  metric.level = "error";
  metric.fields = {{"loss", 2.5}, {"tokens", int64_t{1} << 62}, {"state", std::string("ok")}};
  return {line, metric, line};
}

TEST(RecordBatch, RoundTrips) {
  std::string bytes;
  EncodeRecords(Example(), &bytes);
  auto decoded = DecodeRecords(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(*decoded, Example());
}

TEST(RecordBatch, WhatIsBuiltIsAsIfItWereDecoded) {
  std::vector<Record> rising = Example(), repeated = Example();
  for (size_t i = 0; i < rising.size(); ++i) rising[i].seq = 7 + i;
  repeated.back().seq = repeated.front().seq;
  RecordBatchBuilder builder;
  for (const auto& records : {repeated, rising, repeated}) {
    std::string bytes;
    EncodeRecords(records, &bytes);
    auto decoded = *RecordBatch::Decode(bytes);
    for (const Record& record : records) builder.Add(record);
    auto built = builder.Build();
    EXPECT_EQ(built->Encoded(), bytes);
    EXPECT_EQ(built->ToRecords(), records);
    EXPECT_EQ(built->origins(), decoded->origins());
    for (uint64_t first : {1, 7, 8}) {
      for (uint64_t last : {8, 9, 50})
        EXPECT_EQ(built->IsNumberedWithin(first, last), decoded->IsNumberedWithin(first, last)) << first << " " << last;
    }
  }
}

TEST(RecordBatch, WhatIsBuiltHoldsHardlyMoreMemoryThanItsBytes) {
  Record record = Example().front();
  record.text.assign(150, 'x');
  RecordBatchBuilder builder;
  for (size_t count : {1, 100, 3000, 20000, 3000, 1}) {
    for (size_t i = 0; i < count; ++i) builder.Add(record);
    auto built = builder.Build();
    const size_t bytes = built->tables().size() + built->records().size();
    EXPECT_EQ(built->size(), count);
    EXPECT_LE(built->bytes(), bytes + bytes / 6 + 1024);
  }
}

TEST(RecordBatch, NegativeRanksAreNotNone) {
  std::vector<Record> records;
  for (std::optional<int32_t> rank : {std::optional<int32_t>(), std::optional<int32_t>(-1), std::optional<int32_t>(0),
                                      std::optional<int32_t>(INT32_MIN), std::optional<int32_t>(INT32_MAX)}) {
    Record& record = records.emplace_back();
    record.origin.rank = record.origin.node_rank = record.origin.local_rank = rank;
  }
  std::string bytes;
  EncodeRecords(records, &bytes);
  auto decoded = DecodeRecords(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, records);
}

TEST(RecordBatch, OriginsThatDifferInOneThingAreDifferentInWhateverOrderTheyCome) {
  std::vector<Origin> origins(8, {"p", "j", 1, 2, 3, 4, "h"});
  origins[1].project = "q";
  origins[2].job = "k";
  origins[3].attempt = 2;
  origins[4].node_rank.reset();
  origins[5].rank = 4;
  origins[6].local_rank = 5;
  origins[7].host = "i";
  RecordBatchBuilder builder;
  for (size_t i = 0; i < 200; ++i) {
    size_t taken = i < 24 ? i % 8 : i * i * 7 % 11 % 8;  // in turns, then not
    EXPECT_EQ(builder.OriginIndex(origins[taken]), taken) << i;
  }
}

TEST(RecordBatch, DecimalsComeBackAsTheSameDoubles) {
  Record record;
  for (double value : {0.1, 2.1534, 1.234567e-05, -78400.5, 0.0, -0.0, 1e300, 5e-324, 1.0 / 3, 9007199254740993.0,
                       std::numeric_limits<double>::infinity()}) {
    record.fields.emplace_back("f" + std::to_string(record.fields.size()), value);
  }
  std::string bytes;
  EncodeRecords({record}, &bytes);
  auto decoded = DecodeRecords(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ((*decoded)[0], record);
  EXPECT_TRUE(std::signbit(std::get<double>((*decoded)[0].fields[5].second)));
}

TEST(RecordBatch, AdjustmentsAreOfEveryRecord) {
  std::string bytes;
  EncodeRecords(Example(), &bytes);
  auto batch = RecordBatch::Decode(bytes, {"vision", 7});
  ASSERT_TRUE(batch.ok());
  std::vector<Record> records = (*batch)->ToRecords();
  EXPECT_EQ(records[0].time, 1'000'000'007);
  EXPECT_EQ(records[1].origin.project, "vision");
}

TEST(RecordBatch, RefusesEveryPrefix) {
  std::string bytes;
  EncodeRecords(Example(), &bytes);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(DecodeRecords(std::string_view(bytes).substr(0, cut)).ok()) << cut;
  }
}

TEST(RecordBatch, FlippedBytesNeverCrash) {
  std::string bytes;
  EncodeRecords(Example(), &bytes);
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      (void)DecodeRecords(damaged).ok();
    }
  }
}

}  // namespace
}  // namespace rankscope::model
