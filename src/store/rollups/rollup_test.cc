#include "store/rollups/rollup.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <random>
#include <set>
#include <tuple>

#include "base/testing/repetitions.h"
#include "store/inspect.h"
#include "store/rollups/rollup_groups.h"
#include "store/store.h"

namespace rankscope::store {
namespace {

namespace fs = std::filesystem;
using model::Filter;
using Rows = std::vector<std::vector<model::Cell>>;
using Function = model::Aggregate::Function;

// A store of metrics and lines of a few ranks in some minutes.
class RollupTest : public testing::Test {
 protected:
  static constexpr int kRecords = 60'000, kRanks = 4;

  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_rollup_test_" + std::to_string(getpid());
    fs::remove_all(folder_);
    Open();
    AddSegment([](model::Record*) {});
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

  void AddSegment(const std::function<void(model::Record*)>& change) {
    Append(change);
    ASSERT_TRUE(store_->Flush().ok());
  }
  // All records, each of which `change` is given.
  void Append(const std::function<void(model::Record*)>& change) {
    std::vector<model::Record> records;
    for (int i = 0; i < kRecords; ++i) change(&records.emplace_back(RecordOf(i)));
    std::string bytes;
    model::EncodeRecords(records, &bytes);
    ASSERT_TRUE(store_->Append(++appended_, *model::RecordBatch::Decode(bytes)).ok());
  }

  // The only one that there is.
  std::shared_ptr<const Segment> OpenSegment(HeaderCache* headers) {
    std::shared_ptr<const Segment> only;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      if (entry.path().extension() != ".segment") continue;
      EXPECT_EQ(only, nullptr);
      auto segment = Segment::Open(entry.path(), headers);
      EXPECT_TRUE(segment.ok());
      only = *segment;
    }
    return only;
  }

  // Of each function, by rank and minute and in other ways, by rollups as by rows.
  void ExpectAnswersOfTheRows(const std::vector<std::string>& fields, const Filter& filter) {
    for (const auto& by : std::vector<std::vector<model::GroupKey>>{
             {Field("rank"), Minutes(1)}, {Minutes(5), Field("host")}, {Field("level"), Field("stream")}}) {
      auto aggregation = AllOf(fields, by);
      ASSERT_TRUE(RollupsAnswer(aggregation));
      Rows rows = Table(aggregation, filter);
      EXPECT_FALSE(rows.empty());
      EXPECT_EQ(rows, TableOfRows(aggregation, filter));
    }
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

  // REQUIRES that it has the field.
  static model::FieldValue& FieldOf(model::Record* record, const std::string& name) {
    return std::find_if(record->fields.begin(), record->fields.end(),
                        [&](const auto& field) { return field.first == name; })
        ->second;
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

  // Damages the segment's rollups, all of their bytes, or every other one's.
  void DamageRollups(bool every_other = false) {
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      if (entry.path().extension() != ".segment") continue;
      HeaderCache cache;
      auto segment = Segment::Open(entry.path(), &cache);
      ASSERT_TRUE(segment.ok());
      std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
      bool spared = true;
      for (const BlockInfo& block : (*segment)->blocks()) {
        ASSERT_GT(block.rollup_bytes, 0u);
        spared = every_other && !spared;
        if (spared) continue;
        file.seekp(static_cast<std::streamoff>(block.offset + block.bytes - block.header_bytes - block.rollup_bytes));
        file << std::string(block.rollup_bytes, 'x');
      }
    }
  }

  std::string folder_;
  std::unique_ptr<Store> store_;
  uint64_t appended_ = 0;
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

TEST_F(RollupTest, RowsOfOneMinuteAreOneCellInHoweverManyBlocks) {
  AddSegment([](model::Record* record) { record->time += 3 * base::kNsPerMs; });
  AddSegment([](model::Record* record) { record->time -= 2 * kRollupWidth; });  // late ones
  ASSERT_TRUE(store_->Compact().ok());
  HeaderCache headers;
  auto segment = OpenSegment(&headers);
  auto rollup = Rollup::OfSegment(*segment, nullptr);
  std::set<std::tuple<int32_t, std::string, bool, int32_t>> cells;
  size_t of_blocks = 0;
  for (size_t block = 0; block < segment->blocks().size(); ++block) {
    EXPECT_TRUE(rollup->Knows(block));
    of_blocks += Rollup::OfBlock(*segment, block, nullptr)->minutes().size();
  }
  for (const Rollup::Run& run : rollup->runs()) {
    const RowClass& shape = rollup->header().classes[run.shape];
    for (size_t cell = run.begin; cell < run.end; ++cell) {
      bool fresh = cells
                       .emplace(*rollup->header().origins[run.origin].rank, rollup->header().levels[shape.level],
                                shape.stream == model::Stream::kMetric, rollup->minutes()[cell])
                       .second;
      EXPECT_TRUE(fresh);
    }
  }
  EXPECT_GT(of_blocks, 2 * cells.size());
  EXPECT_EQ(std::accumulate(rollup->rows().begin(), rollup->rows().end(), uint64_t{0}), segment->rows());
  ExpectAnswersOfTheRows({"decimal", "whole"}, {});
}

TEST_F(RollupTest, WhatOneBlockDoesNotKnowComesFromRows) {
  // Integers where others have doubles, and a value that is no number.
  AddSegment([](model::Record* record) {
    if (record->fields.empty()) return;
    FieldOf(record, "real") = int64_t{7};
    FieldOf(record, "decimal") = std::nan("");
  });
  ASSERT_TRUE(store_->Compact().ok());
  ExpectAnswersOfTheRows({"real"}, {});
  model::Aggregation least;
  least.groups = {Field("rank"), Minutes(1)};
  least.aggregates.push_back({Function::kMin, "decimal", 0, "least"});
  EXPECT_EQ(Table(least, {}), TableOfRows(least, {}));
}

TEST_F(RollupTest, ASumThatWasNoIntegerUnderWayIsNoneInTheEnd) {
  for (int64_t sign : {1, 1, -1}) {
    AddSegment([sign](model::Record* record) {
      if (!record->fields.empty()) FieldOf(record, "whole") = sign * (INT64_MAX / 2000);  // 1,428 of them in a cell
    });
  }
  ASSERT_TRUE(store_->Compact().ok());
  ExpectAnswersOfTheRows({"whole"}, {});
}

TEST_F(RollupTest, BlocksWithoutOneAreAskedBesideTheSegments) {
  AddSegment([](model::Record* record) { record->time += 3 * base::kNsPerMs; });
  ASSERT_TRUE(store_->Compact().ok());
  ExpectAnswersOfTheRows({"decimal", "whole"}, {});
  store_.reset();
  DamageRollups(/*every_other=*/true);
  HeaderCache headers;
  auto segment = OpenSegment(&headers);
  auto rollup = Rollup::OfSegment(*segment, nullptr);
  EXPECT_FALSE(rollup->Knows(0));
  EXPECT_TRUE(rollup->Knows(1));
  Open();
  ExpectAnswersOfTheRows({"decimal", "whole"}, {});
}

// What one may ask of rollups, by seed.
class RandomQuestions {
 public:
  explicit RandomQuestions(base::TimeNs begin) : begin_(begin) {}

  model::Aggregation NextAggregation() {
    model::Aggregation aggregation;
    for (const char* name : {"rank", "host", "stream", "level", "job_id"}) {
      if (Below(4) == 0) aggregation.groups.push_back({model::GroupKey::Kind::kField, name, 1, name});
    }
    if (Below(2) == 0) {
      int64_t minutes = 1 + Below(3);
      aggregation.groups.push_back({model::GroupKey::Kind::kTime, "timestamp", minutes * kRollupWidth, "timestamp"});
    }
    std::shuffle(aggregation.groups.begin(), aggregation.groups.end(), random_);
    for (int64_t left = 1 + Below(4); left > 0; --left) {
      const Function functions[] = {Function::kCount, Function::kSum, Function::kAvg, Function::kMin, Function::kMax};
      const char* const fields[] = {"decimal", "real", "whole", "mixed"};
      aggregation.aggregates.push_back({functions[Below(5)], fields[Below(4)], 0, std::to_string(left)});
    }
    aggregation.aggregates.push_back({Function::kCount, "", 0, "n"});
    return aggregation;
  }

  Filter NextFilter() {
    std::vector<Filter> terms = {Filter()};
    if (Below(3) == 0) terms.push_back(Filter::Text(Filter::Kind::kEquals, "stream", "metric", true));
    if (Below(4) == 0) terms.push_back(Filter::Text(Filter::Kind::kEquals, "level", "error", true));
    if (Below(4) == 0) terms.push_back(Filter::Not(Filter::Range("rank", 1, 1 + Below(2))));
    if (Below(8) == 0) terms.push_back(Filter::Range("whole", 100, 100 + Below(60'000)));
    if (Below(3) == 0) terms.push_back(Filter::Time(Moment(), begin_ + 300 * base::kNsPerSecond + Moment() - begin_));
    return Filter::And(std::move(terms));
  }

 private:
  int64_t Below(int64_t end) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(end)); }
  // At times the start of a minute.
  base::TimeNs Moment() {
    base::TimeNs time = begin_ - kRollupWidth + Below(400 * base::kNsPerSecond);
    return Below(2) == 0 ? time : time / kRollupWidth * kRollupWidth;
  }

  const base::TimeNs begin_;
  std::mt19937_64 random_{3};
};

// Sums may differ in their last digits, by the order in which they were made.
void ExpectAlike(const Rows& rows, const Rows& expected) {
  ASSERT_EQ(rows.size(), expected.size());
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t i = 0; i < rows[row].size(); ++i) {
      const auto *a = std::get_if<double>(&rows[row][i]), *b = std::get_if<double>(&expected[row][i]);
      if (a && b) {
        EXPECT_NEAR(*a, *b, 1e-13 * std::fabs(*b));
      } else {
        EXPECT_EQ(rows[row][i], expected[row][i]);
      }
    }
  }
}

TEST_F(RollupTest, RandomQuestionsAreAnsweredAsByRows) {
  auto late = [](model::Record* record) { record->time -= 2 * kRollupWidth; };
  auto integers = [](model::Record* record) {
    if (!record->fields.empty()) record->fields[1].second = int64_t{5};
  };
  AddSegment(late);
  ASSERT_TRUE(store_->Compact().ok());
  AddSegment(integers);
  RandomQuestions questions(RecordOf(0).time);
  auto ask = [&](int count) {
    for (; count > 0; --count) {
      auto aggregation = questions.NextAggregation();
      Filter filter = questions.NextFilter();
      ExpectAlike(Table(aggregation, filter), TableOfRows(aggregation, filter));
    }
  };
  ask(base::Repetitions(60));
  Append(late);  // what is in memory
  ask(base::Repetitions(20));
  ASSERT_TRUE(store_->Compact().ok());
  ask(base::Repetitions(60));
  ASSERT_TRUE(store_->DeleteJob("job").ok());
  EXPECT_TRUE(Table(AllOf({"real"}, {Field("rank")}), {}).empty());
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
