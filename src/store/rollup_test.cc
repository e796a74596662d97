#include "store/rollup.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "store/aggregate_state.h"
#include "store/inspect.h"
#include "store/rollup_builder.h"
#include "store/rollup_groups.h"
#include "store/rollup_numbers.h"
#include "store/store.h"

namespace rankscope::store {
namespace {

namespace fs = std::filesystem;
using model::Filter;
using Rows = std::vector<std::vector<model::Cell>>;
using Function = model::Aggregate::Function;

std::vector<long double> Decoded(const std::string& bytes, size_t count, RollupPart part) {
  RollupColumn column;
  EXPECT_TRUE(DecodeRollupNumbers(bytes, count, part, &column));
  return column.values;
}

// Cells of random values that `round` makes something of.
template <typename Round>
RollupNumbers RandomCells(const Round& round) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> values(0.4, 3.0);
  RollupNumbers numbers;
  for (int cell = 0; cell < 300; ++cell) {
    std::vector<double> of_cell;
    for (int i = 0; i < 40; ++i) of_cell.push_back(round(values(random)));
    numbers.sums.push_back(SumOf(of_cell.data(), of_cell.size()));
    numbers.lows.push_back(*std::min_element(of_cell.begin(), of_cell.end()));
    numbers.highs.push_back(*std::max_element(of_cell.begin(), of_cell.end()));
  }
  return numbers;
}

TEST(RollupNumbers, SumsOfDoublesKeepAll64Bits) {
  auto as_it_is = [](double value) { return value; };
  auto four_decimals = [](double value) { return std::round(value * 1e4) / 1e4; };
  auto tiny = [](double value) { return value * 1e-280; };
  std::vector<size_t> sizes;
  for (const RollupNumbers& numbers : {RandomCells(as_it_is), RandomCells(four_decimals), RandomCells(tiny)}) {
    std::string bytes;
    ASSERT_TRUE(EncodeRollupNumbers(numbers, &bytes));
    EXPECT_EQ(Decoded(bytes, numbers.sums.size(), RollupPart::kSums), numbers.sums);
    EXPECT_EQ(Decoded(bytes, numbers.sums.size(), RollupPart::kLows), numbers.lows);
    EXPECT_EQ(Decoded(bytes, numbers.sums.size(), RollupPart::kHighs), numbers.highs);
    sizes.push_back(bytes.size());
  }
  EXPECT_LT(sizes[1] * 2, sizes[0]);  // decimals are kept as such
}

TEST(RollupNumbers, IntegersBeyondDoublesAreExact) {
  RollupNumbers numbers;
  numbers.whole = true;
  for (int64_t value : {INT64_MAX, INT64_MIN, int64_t{9007199254740993}, int64_t{0}}) {
    for (auto* values : {&numbers.sums, &numbers.lows, &numbers.highs}) values->push_back(value);
  }
  std::string bytes;
  ASSERT_TRUE(EncodeRollupNumbers(numbers, &bytes));
  RollupColumn sums;
  ASSERT_TRUE(DecodeRollupNumbers(bytes, 4, RollupPart::kSums, &sums));
  EXPECT_TRUE(sums.whole);
  EXPECT_EQ(sums.values, numbers.sums);
  EXPECT_FALSE(DecodeRollupNumbers(bytes, 5, RollupPart::kSums, &sums));
}

TEST(RollupNumbers, WhatIsTooSmallForItsUnitIsNotKept) {
  RollupNumbers numbers;
  numbers.sums = numbers.lows = numbers.highs = {0x1p-1030L + 0x1p-1080L};
  std::string bytes;
  EXPECT_FALSE(EncodeRollupNumbers(numbers, &bytes));
  EXPECT_TRUE(bytes.empty());
}

// A store of metrics and lines of a few ranks in some minutes.
class RollupTest : public testing::Test {
 protected:
  static constexpr int kRecords = 60'000, kRanks = 4;

  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_rollup_test_" + std::to_string(getpid());
    fs::remove_all(folder_);
    Open();
    std::vector<model::Record> records;
    for (int i = 0; i < kRecords; ++i) records.push_back(RecordOf(i));
    std::string bytes;
    model::EncodeRecords(records, &bytes);
    ASSERT_TRUE(store_->Append(1, *model::RecordBatch::Decode(bytes)).ok());
    ASSERT_TRUE(store_->Flush().ok());
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }

  void Open() {
    std::vector<std::string> damage;
    store_.reset();
    auto store = Store::Open(folder_, {}, &damage);
    ASSERT_TRUE(store.ok()) << store.status().message();
    store_ = *std::move(store);
  }

  model::Record RecordOf(int i) {
    model::Record record;
    record.origin.job = "job";
    record.origin.rank = i % kRanks;
    record.origin.host = i % 2 == 0 ? "even" : "odd";
    record.time = 1'793'491'200 * base::kNsPerSecond + i * 7 * base::kNsPerMs;
    if (i % 3 == 0) {
      record.text = "a line";
      record.level = i % 2 == 0 ? "error" : "info";
      return record;
    }
    std::normal_distribution<double> values(100, 17);
    record.stream = model::Stream::kMetric;
    record.fields = {{"decimal", std::round(values(random_) * 10) / 10},
                     {"real", values(random_)},
                     {"whole", int64_t{i}},
                     {"mixed", i % 2 == 0 ? model::FieldValue(int64_t{i}) : model::FieldValue(values(random_))}};
    return record;
  }

  // Of all functions that rollups know, of each field.
  static model::Aggregation AllOf(const std::vector<std::string>& fields, std::vector<model::GroupKey> groups) {
    model::Aggregation aggregation;
    aggregation.groups = std::move(groups);
    aggregation.aggregates.push_back({Function::kCount, "", 0, "n"});
    for (const std::string& field : fields) {
      for (Function function : {Function::kCount, Function::kSum, Function::kAvg, Function::kMin, Function::kMax}) {
        aggregation.aggregates.push_back({function, field, 0, field + std::to_string(static_cast<int>(function))});
      }
    }
    return aggregation;
  }

  Rows Table(const model::Aggregation& aggregation, const Filter& filter) {
    base::Budget budget;
    model::Scan scan;
    scan.filter = filter;
    Rows rows;
    auto done = store_->Aggregate(scan, aggregation, &budget, [&](const auto& cells) {
      rows.push_back(cells);
      return true;
    });
    EXPECT_TRUE(done.ok() && *done);
    return rows;
  }

  // The same with a term about the text, which no rollup knows, and which every record meets.
  Rows TableOfRows(const model::Aggregation& aggregation, const Filter& filter) {
    Filter never = Filter::Text(Filter::Kind::kPhrase, "msg", "nowhere");
    return Table(aggregation, Filter::And({filter, Filter::Not(never)}));
  }

  static model::GroupKey Field(const std::string& name) { return {model::GroupKey::Kind::kField, name, 1, name}; }
  static model::GroupKey Minutes(int64_t minutes) {
    return {model::GroupKey::Kind::kTime, "timestamp", minutes * kRollupWidth, "timestamp"};
  }

  // Damages the segment's rollups, all of their bytes.
  void DamageRollups() {
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      if (entry.path().extension() != ".segment") continue;
      HeaderCache cache;
      auto segment = Segment::Open(entry.path(), &cache);
      ASSERT_TRUE(segment.ok());
      std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
      for (const BlockInfo& block : (*segment)->blocks()) {
        ASSERT_GT(block.rollup_bytes, 0u);
        file.seekp(static_cast<std::streamoff>(block.offset + block.bytes - block.header_bytes - block.rollup_bytes));
        file << std::string(block.rollup_bytes, 'x');
      }
    }
  }

  std::string folder_;
  std::unique_ptr<Store> store_;
  std::mt19937_64 random_{11};
};

TEST_F(RollupTest, AnswersAreThoseOfTheRowsToTheLastDigit) {
  auto metrics = Filter::Text(Filter::Kind::kEquals, "stream", "metric", /*case_sensitive=*/true);
  auto one_rank = Filter::Range("rank", 2, 2);
  std::vector<std::vector<model::GroupKey>> groups = {{},
                                                      {Field("rank"), Minutes(1)},
                                                      {Minutes(5), Field("host")},
                                                      {Field("level"), Field("stream")},
                                                      {Field("job_id")}};
  for (const auto& by : groups) {
    for (const Filter& filter : {Filter(), metrics, one_rank, Filter::And({metrics, Filter::Not(one_rank)})}) {
      auto aggregation = AllOf({"decimal", "real", "whole"}, by);
      ASSERT_TRUE(RollupsAnswer(aggregation));
      Rows rows = Table(aggregation, filter);
      EXPECT_FALSE(rows.empty());
      EXPECT_EQ(rows, TableOfRows(aggregation, filter));
    }
  }
}

TEST_F(RollupTest, WhatTheyDoNotKnowComesFromRows) {
  auto in_part = Filter::Time((1'793'491'200 + 90) * base::kNsPerSecond, (1'793'491'200 + 200) * base::kNsPerSecond);
  auto by = std::vector<model::GroupKey>{Field("rank"), Minutes(1)};
  EXPECT_EQ(Table(AllOf({"mixed"}, by), {}), TableOfRows(AllOf({"mixed"}, by), {}));
  EXPECT_EQ(Table(AllOf({"real"}, by), in_part), TableOfRows(AllOf({"real"}, by), in_part));
  EXPECT_EQ(Table(AllOf({"real"}, by), Filter::Range("whole", 10, 5000)),
            TableOfRows(AllOf({"real"}, by), Filter::Range("whole", 10, 5000)));
  auto aggregation = AllOf({"real"}, {{model::GroupKey::Kind::kTime, "timestamp", kRollupWidth / 2, "timestamp"}});
  EXPECT_FALSE(RollupsAnswer(aggregation));
  EXPECT_EQ(Table(aggregation, {}), TableOfRows(aggregation, {}));
}

TEST_F(RollupTest, DamagedOnesAreNamedAndAnswersComeFromTheRows) {
  auto aggregation = AllOf({"real"}, {Field("rank"), Minutes(1)});
  Rows before = Table(aggregation, {});
  store_.reset();
  DamageRollups();
  auto report = VerifyStore(folder_);
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->damage.empty());
  Open();
  EXPECT_EQ(Table(aggregation, {}), before);
}

}  // namespace
}  // namespace rankscope::store
