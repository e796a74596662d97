#include "store/piece_aggregation.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "store/store.h"

namespace rankscope::store {
namespace {

namespace fs = std::filesystem;

constexpr int kRanks = 16;

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
      sums_[i % kRanks] += std::get<double>(record.fields[0].second);
      records.push_back(std::move(record));
    }
    std::string bytes;
    model::EncodeRecords(records, &bytes);
    ASSERT_TRUE(store_->Append(static_cast<uint64_t>(part + 1), *model::RecordBatch::Decode(bytes)).ok());
    ASSERT_TRUE(store_->Flush().ok());
  }

  model::Table SumByRank() {
    model::Aggregation aggregation;
    aggregation.groups.push_back({model::GroupKey::Kind::kField, "rank", 1, "rank"});
    aggregation.aggregates.push_back({model::Aggregate::Function::kSum, "loss", 0, "sum(loss)"});
    base::Budget budget;
    auto table = store_->Aggregate({}, aggregation, &budget);
    EXPECT_TRUE(table.ok() && table->has_value());
    return **table;
  }

  std::string folder_;
  std::unique_ptr<Store> store_;
  std::map<int, long double> sums_;  // by rank
};

TEST_F(PieceAggregationTest, TheSumIsTheSameToTheLastDigitWhoeverHelps) {
  model::Table first = SumByRank();
  ASSERT_EQ(first.rows.size(), size_t{kRanks});
  for (int rank = 0; rank < kRanks; ++rank) {
    auto row = static_cast<size_t>(rank);
    EXPECT_EQ(std::get<int64_t>(first.rows[row][0]), rank);
    EXPECT_DOUBLE_EQ(std::get<double>(first.rows[row][1]), static_cast<double>(sums_[rank]));
  }
  // The first one read the columns, so that others helped; later ones find them and are quick.
  for (int again = 0; again < 20; ++again) EXPECT_EQ(SumByRank().rows, first.rows);
}

}  // namespace
}  // namespace rankscope::store
