#include "store/aggregates/piece_aggregation.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "store/store.h"

namespace rankscope::store {
namespace {

namespace fs = std::filesystem;

using Rows = std::vector<std::vector<model::Cell>>;

constexpr int kRanks = 16;
constexpr base::TimeNs kBucketNs = 700'000;

class PieceAggregationTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_piece_aggregation_test_" + std::to_string(getpid());
    fs::remove_all(folder_);
    std::vector<std::string> damage;
    auto store = Store::Open(folder_, {}, &damage);
    ASSERT_TRUE(store.ok()) << store.status().message();
    store_ = *std::move(store);
    for (int part = 0; part < 4; ++part) AddPart(part);
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }

  // A segment of several blocks.
  void AddPart(int part) {
    std::vector<model::Record> records;
    for (int i = 0; i < 30'000; ++i) {
      model::Record record;
      record.origin.job = "job";
      record.origin.rank = i % kRanks;
      record.time = part * base::kNsPerSecond + i * 1000;
      record.fields.emplace_back("loss", 0.1 * i + 1e-9 * part);
      record.stream = model::Stream::kMetric;
      double value = std::get<double>(record.fields[0].second);
      sums_[i % kRanks] += value;
      sums_by_time_[{i % kRanks, record.time / kBucketNs * kBucketNs}] += value;
      records.push_back(record);
      // Lines between them, so that the metrics are some of a block's rows.
      if (i % 3 != 0) continue;
      record.stream = model::Stream::kStdout;
      record.fields.clear();
      record.text = "a line";
      records.push_back(std::move(record));
    }
    std::string bytes;
    model::EncodeRecords(records, &bytes);
    ASSERT_TRUE(store_->Append(static_cast<uint64_t>(part + 1), *model::RecordBatch::Decode(bytes)).ok());
    ASSERT_TRUE(store_->Flush().ok());
  }

  Rows SumByRank() {
    base::Budget budget;
    return Sum({}, {{model::GroupKey::Kind::kField, "rank", 1, "rank"}}, &budget);
  }

  Rows SumByRankAndTime(const model::Filter& filter, int64_t width, base::Budget* budget) {
    return Sum(filter,
               {{model::GroupKey::Kind::kField, "rank", 1, "rank"},
                {model::GroupKey::Kind::kTime, "timestamp", width, "timestamp"}},
               budget);
  }

  Rows Sum(const model::Filter& filter, std::vector<model::GroupKey> groups, base::Budget* budget) {
    model::Aggregation aggregation;
    aggregation.groups = std::move(groups);
    aggregation.aggregates.push_back({model::Aggregate::Function::kSum, "loss", 0, "sum(loss)"});
    model::Scan scan;
    scan.filter = filter;
    Rows rows;
    auto done = store_->Aggregate(scan, aggregation, budget, [&](const auto& cells) {
      rows.push_back(cells);
      return true;
    });
    EXPECT_TRUE(done.ok() && *done);
    return rows;
  }

  std::string folder_;
  std::unique_ptr<Store> store_;
  std::map<int, long double> sums_;  // by rank
  std::map<std::pair<int, base::TimeNs>, long double> sums_by_time_;
};

model::Filter Metrics() {
  return model::Filter::Text(model::Filter::Kind::kEquals, "stream", "metric", /*case_sensitive=*/true);
}

TEST_F(PieceAggregationTest, TheSumIsTheSameToTheLastDigitWhoeverHelps) {
  auto first = SumByRank();
  ASSERT_EQ(first.size(), size_t{kRanks});
  for (int rank = 0; rank < kRanks; ++rank) {
    auto row = static_cast<size_t>(rank);
    EXPECT_EQ(std::get<int64_t>(first[row][0]), rank);
    EXPECT_DOUBLE_EQ(std::get<double>(first[row][1]), static_cast<double>(sums_[rank]));
  }
  // The first one read the columns, so that others helped; later ones find them and are quick.
  for (int again = 0; again < 20; ++again) EXPECT_EQ(SumByRank(), first);
}

TEST_F(PieceAggregationTest, BucketsOfTimeHoldWhatFallsIntoThemWhetherColumnsAreKeptOrNot) {
  for (int again = 0; again < 2; ++again) {
    base::Budget budget;
    Rows rows = SumByRankAndTime(Metrics(), kBucketNs, &budget);
    ASSERT_EQ(rows.size(), sums_by_time_.size());
    auto expected = sums_by_time_.begin();
    for (const auto& row : rows) {
      EXPECT_EQ(std::get<int64_t>(row[0]), expected->first.first);
      EXPECT_EQ(std::get<model::Time>(row[1]).ns, expected->first.second);
      EXPECT_DOUBLE_EQ(std::get<double>(row[2]), static_cast<double>(expected->second));
      ++expected;
    }
    // The rest of the rows has no loss: the same sums by another way.
    Rows of_all = SumByRankAndTime({}, kBucketNs, &budget);
    EXPECT_EQ(of_all, rows);
  }
}

TEST_F(PieceAggregationTest, GroupsWithoutEndMeetTheLimitOfMemory) {
  base::Budget budget({.memory_bytes = 1 << 20, .time_ns = 0, .rows = 0});
  Rows rows = SumByRankAndTime(Metrics(), 1, &budget);
  EXPECT_EQ(budget.met(), base::Budget::Limit::kMemory);
  EXPECT_GT(rows.size(), 1000u);
  EXPECT_LT(rows.size(), 100'000u);
}

}  // namespace
}  // namespace rankscope::store
