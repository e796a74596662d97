#include "store/store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "base/file.h"
#include "store/inspect.h"

namespace rankscope::store {
namespace {

namespace fs = std::filesystem;

model::Record Line(int rank, base::TimeNs time, std::string text) {
  model::Record record;
  record.origin.job = "job/1";
  record.origin.rank = rank;
  record.time = time;
  record.text = std::move(text);
  return record;
}

std::shared_ptr<const model::RecordBatch> Batch(const std::vector<model::Record>& records) {
  std::string bytes;
  model::EncodeRecords(records, &bytes);
  return *model::RecordBatch::Decode(bytes);
}

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_store_test_" + std::to_string(getpid());
    fs::remove_all(folder_);
    Open();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(folder_);
  }
  void Open(Store::Options options = {}) {
    store_.reset();
    damage_.clear();
    auto store = Store::Open(folder_, std::move(options), &damage_);
    ASSERT_TRUE(store.ok()) << store.status().message();
    store_ = *std::move(store);
  }
  std::vector<std::string> Texts(const model::Filter& filter = {}, bool newest_first = false) {
    std::vector<std::string> texts;
    model::Scan scan;
    scan.filter = filter;
    scan.newest_first = newest_first;
    base::Budget budget;
    auto take = [&](const model::Record& record) {
      texts.push_back(record.text);
      return true;
    };
    EXPECT_TRUE(store_->Read(scan, &budget, take).ok());
    left_out_ = budget.left_out();
    return texts;
  }
  std::vector<fs::path> Segments() const {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
      if (entry.path().extension() == ".segment") paths.push_back(entry.path());
    }
    return paths;
  }

  base::Status left_out_;  // of the last Texts()
  std::string folder_;
  std::vector<std::string> damage_;
  std::unique_ptr<Store> store_;
};

class ChangingStoreTest : public StoreTest {
 protected:
  // Those of other jobs are looked at first, so that a look takes its time.
  void AddOtherJobs() {
    std::vector<model::Record> others;
    for (int job = 0; job < 300; ++job) {
      others.push_back(Line(0, job, "of another job"));
      others.back().origin.job = "other " + std::to_string(job);
    }
    AppendAndFlush(others);
  }
  void AppendAndFlush(const std::vector<model::Record>& records) {
    EXPECT_TRUE(store_->Append(++appended_, Batch(records)).ok());
    EXPECT_TRUE(store_->Flush().ok());
  }
  // Looks at the store while `change` runs again and again, until many looks saw its manifest change.
  void LookWhile(const std::function<void()>& change, const std::function<void(const JobStats&)>& check) {
    std::atomic<bool> stop = false;
    std::thread changing([&] {
      while (!stop) change();
    });
    auto manifest = [&] { return *base::ReadWholeFile(folder_ + "/MANIFEST"); };
    for (int overtaken = 0; overtaken < 20 && !HasFailure();) {
      const std::string before = manifest();
      durable_ = store_->durable_position();
      auto report = VerifyStore(folder_);
      EXPECT_TRUE(report.ok()) << report.status().message();
      if (!report.ok()) break;
      if (!report->damage.empty()) ADD_FAILURE() << report->damage[0];
      for (const JobStats& job : report->jobs) check(job);
      overtaken += manifest() != before;
    }
    stop = true;
    changing.join();
  }

  std::atomic<uint64_t> appended_ = 0;
  uint64_t durable_ = 0;  // before the look
};

TEST_F(ChangingStoreTest, MergingMeanwhileIsNoDamageAndCountsNoRecordTwice) {
  AddOtherJobs();
  auto merge = [&] {
    for (int part = 0; part < 2; ++part) AppendAndFlush({Line(0, part, "word" + std::to_string(appended_))});
    EXPECT_TRUE(store_->Compact().ok());
  };
  auto check = [&](const JobStats& job) {
    if (job.job != "job/1") return;
    EXPECT_GE(job.records, durable_ - 1);  // each position past the first is a record
    EXPECT_LE(job.records, appended_ - 1);
  };
  LookWhile(merge, check);
}

TEST_F(ChangingStoreTest, JobsThatGoMeanwhileAreNoDamage) {
  AddOtherJobs();
  auto come_and_go = [&] {
    AppendAndFlush({Line(0, 0, "word " + std::to_string(appended_)), Line(0, 1, "of a text")});
    EXPECT_TRUE(store_->DeleteJob("job/1").ok());
  };
  auto check = [&](const JobStats& job) { EXPECT_EQ(job.records, job.job == "job/1" ? 2u : 1u) << job.job; };
  LookWhile(come_and_go, check);
}

TEST_F(StoreTest, RecordsThatEachHaveFieldsOfTheirOwnComeBackWhole) {
  std::vector<model::Record> records;
  for (int i = 0; i < 300; ++i) {
    model::Record record = Line(0, i, i % 3 == 0 ? "with a text" : "");
    record.fields = {{"x" + std::to_string(i / 2), i + 0.25}, {"who", "name " + std::to_string(i)}};
    if (i % 10 == 0) record.fields = {{"often", int64_t{i}}, {"x7", int64_t{i}}};
    records.push_back(std::move(record));
  }
  ASSERT_TRUE(store_->Append(1, Batch(records)).ok());
  ASSERT_TRUE(store_->Flush().ok());
  size_t next = 0;
  base::Budget budget;
  auto take = [&](const model::Record& record) {
    EXPECT_EQ(record.fields, records.at(next).fields) << next;
    ++next;
    return true;
  };
  ASSERT_TRUE(store_->Read({}, &budget, take).ok());
  EXPECT_EQ(next, records.size());
  model::Aggregation table;
  table.aggregates = {{model::Aggregate::Function::kSum, "x7", 0, "x7"},
                      {model::Aggregate::Function::kCount, "who", 0, "who"}};
  std::vector<model::Cell> cells;
  auto take_cells = [&](const std::vector<model::Cell>& row) {
    cells = row;
    return true;
  };
  auto aggregated = store_->Aggregate({}, table, &budget, take_cells);
  ASSERT_TRUE(aggregated.ok() && *aggregated);
  // Of records 14 and 15, and of each tenth.
  EXPECT_EQ(cells, (std::vector<model::Cell>{14.25 + 15.25 + 290 * 15, int64_t{270}}));
}

TEST_F(StoreTest, RecordsWithoutARankHaveNoneOnceTheyAreSealedThoughOthersSayMinusOne) {
  std::vector<model::Record> records;
  for (std::optional<int32_t> rank : {std::optional<int32_t>(-1), std::optional<int32_t>(), std::optional<int32_t>(0),
                                      std::optional<int32_t>(INT32_MIN), std::optional<int32_t>(INT32_MAX)}) {
    model::Record record = Line(0, static_cast<base::TimeNs>(records.size()), "x");
    record.origin.rank = record.origin.node_rank = record.origin.local_rank = rank;
    records.push_back(record);
  }
  ASSERT_TRUE(store_->Append(1, Batch(records)).ok());
  auto origins = [&] {
    std::vector<model::Origin> seen;
    base::Budget budget;
    auto take = [&](const model::Record& record) {
      seen.push_back(record.origin);
      return true;
    };
    EXPECT_TRUE(store_->Read({}, &budget, take).ok());
    return seen;
  };
  std::vector<model::Origin> in_memory = origins();
  ASSERT_EQ(in_memory.size(), records.size());
  for (size_t i = 0; i < records.size(); ++i) EXPECT_EQ(in_memory[i], records[i].origin) << i;
  ASSERT_TRUE(store_->Flush().ok());
  EXPECT_EQ(origins(), in_memory);
}

TEST_F(StoreTest, MergesSegmentsAndMemoryByTimeThenArrival) {
  ASSERT_TRUE(store_->Append(1, Batch({Line(0, 30, "c"), Line(0, 10, "a"), Line(1, 20, "b1")})).ok());
  ASSERT_TRUE(store_->Flush().ok());
  ASSERT_TRUE(store_->Append(2, Batch({Line(2, 20, "b2")})).ok());
  ASSERT_TRUE(store_->Flush().ok());
  ASSERT_TRUE(store_->Append(3, Batch({Line(3, 20, "b3"), Line(3, 40, "d")})).ok());
  EXPECT_EQ(Texts(), (std::vector<std::string>{"a", "b1", "b2", "b3", "c", "d"}));
  EXPECT_EQ(Texts({}, true), (std::vector<std::string>{"d", "c", "b3", "b2", "b1", "a"}));
}

TEST_F(StoreTest, RestartServesWhatWasSealedAndSaysFromWhereToReplay) {
  ASSERT_TRUE(store_->Append(7, Batch({Line(0, 1, "sealed")})).ok());
  ASSERT_TRUE(store_->Flush().ok());
  ASSERT_TRUE(store_->Append(9, Batch({Line(0, 2, "only in memory")})).ok());
  Open();
  EXPECT_EQ(store_->durable_position(), 7u);
  EXPECT_EQ(Texts(), std::vector<std::string>{"sealed"});
}

TEST_F(StoreTest, ManyBlocksAreSelectedByRankTimeAndStream) {
  std::vector<model::Record> records;
  for (int i = 0; i < 20000; ++i)
    records.push_back(Line(i % 8, i, "line " + std::to_string(i) + std::string(100, 'x')));
  ASSERT_TRUE(store_->Append(1, Batch(records)).ok());
  ASSERT_TRUE(store_->Flush().ok());
  using model::Filter;
  std::vector<Filter> terms = {Filter::Set("rank", *model::NumberSet::Parse("3")), Filter::Time(8000, 16000)};
  EXPECT_EQ(Texts(Filter::And(terms)).size(), 1000u);
  terms.push_back(Filter::Text(Filter::Kind::kEquals, "stream", "stderr"));
  EXPECT_TRUE(Texts(Filter::And(terms)).empty());
}

TEST_F(StoreTest, SmallMemtablesSealThemselves) {
  Open({.memtable_bytes = 1000, .merge_at = 1000});
  for (uint64_t i = 1; i <= 100; ++i)
    ASSERT_TRUE(store_->Append(i, Batch({Line(0, static_cast<int64_t>(i), "x")})).ok());
  ASSERT_TRUE(store_->Flush().ok());
  EXPECT_EQ(store_->durable_position(), 100u);
  EXPECT_EQ(Texts().size(), 100u);
  EXPECT_GT(Segments().size(), 5u);
}

TEST_F(StoreTest, LeftoverOfACrashIsRemoved) {
  ASSERT_TRUE(store_->Append(1, Batch({Line(0, 1, "kept")})).ok());
  ASSERT_TRUE(store_->Flush().ok());
  fs::path leftover = Segments()[0].parent_path() / "99.segment";
  std::ofstream(leftover) << "half a segment";
  Open();
  EXPECT_FALSE(fs::exists(leftover));
  EXPECT_EQ(Texts(), std::vector<std::string>{"kept"});
}

TEST_F(StoreTest, RecordsOfAnotherProjectAreRefused) {
  model::Record foreign = Line(0, 1, "not ours");
  foreign.origin.project = "theirs";
  base::Status status = store_->Append(1, Batch({Line(0, 1, "ours"), foreign}));
  EXPECT_EQ(status.code(), base::Code::kInvalid);
  EXPECT_NE(status.message().find("\"theirs\""), std::string::npos);
  EXPECT_TRUE(Texts().empty());
}

TEST_F(StoreTest, DeletedJobIsGoneFromDiskAndMemoryAndNoReplayBringsItBack) {
  model::Record other = Line(0, 3, "of another job");
  other.origin.job = "job";
  ASSERT_TRUE(store_->Append(1, Batch({Line(0, 1, "sealed")})).ok());
  ASSERT_TRUE(store_->Flush().ok());
  ASSERT_TRUE(store_->Append(2, Batch({Line(0, 2, "in memory"), other})).ok());
  ASSERT_TRUE(store_->DeleteJob("job/1").ok());
  EXPECT_EQ(store_->durable_position(), 2u);
  EXPECT_EQ(Texts(), std::vector<std::string>{"of another job"});
  EXPECT_FALSE(fs::exists(folder_ + "/jobs/job%2F1"));
  ASSERT_TRUE(store_->Append(3, Batch({Line(0, 4, "later"), Line(0, 5, "later")})).ok());
  ASSERT_TRUE(store_->Flush().ok());
  Open();
  EXPECT_TRUE(damage_.empty());
  EXPECT_EQ(Texts(), (std::vector<std::string>{"of another job", "later", "later"}));
}

TEST_F(StoreTest, JobsWhoseIdsAreTooLongForFolderNamesAreSealedAndDoNotStopOthers) {
  std::string chinese;
  for (int i = 0; i < 33; ++i) chinese += "中";
  std::vector<std::string> jobs = {chinese + "一", chinese + "二", std::string(5000, 'x'), "short"};
  std::vector<model::Record> records;
  for (const std::string& job : jobs) {
    records.push_back(Line(0, static_cast<base::TimeNs>(records.size()), "of " + job));
    records.back().origin.job = job;
  }
  ASSERT_TRUE(store_->Append(1, Batch(records)).ok());
  auto status = store_->Flush();
  ASSERT_TRUE(status.ok()) << status.message();
  Open();
  EXPECT_EQ(Texts().size(), jobs.size());
  ASSERT_TRUE(store_->DeleteJob(jobs[0]).ok());
  EXPECT_EQ(Texts(), (std::vector<std::string>{"of " + jobs[1], "of " + jobs[2], "of short"}));
  for (const fs::path& segment : Segments()) std::ofstream(segment) << "nonsense";
  Open();
  EXPECT_EQ(damage_.size(), 3u);
  for (size_t i = 1; i < jobs.size(); ++i) ASSERT_TRUE(store_->DeleteJob(jobs[i]).ok());
  EXPECT_FALSE(fs::exists(folder_ + "/jobs") && !fs::is_empty(folder_ + "/jobs"));
}

TEST_F(StoreTest, DeletingDoesNotDisturbWhoReads) {
  for (uint64_t i = 1; i <= 3; ++i) {
    ASSERT_TRUE(store_->Append(i, Batch({Line(0, static_cast<int64_t>(i), "again"), Line(0, 9, "again")})).ok());
    ASSERT_TRUE(store_->Flush().ok());
  }
  base::Budget budget;
  int seen = 0;
  auto take = [&](const model::Record& record) {
    EXPECT_EQ(record.text, "again");
    if (++seen == 1) {
      EXPECT_TRUE(store_->DeleteJob("job/1").ok());
    }
    return true;
  };
  ASSERT_TRUE(store_->Read({}, &budget, take).ok());
  EXPECT_EQ(seen, 6);
  EXPECT_TRUE(budget.left_out().ok());
  EXPECT_TRUE(Texts().empty());
}

TEST_F(StoreTest, UnreadableSegmentsGoWithTheirJob) {
  ASSERT_TRUE(store_->Append(1, Batch({Line(0, 1, "one")})).ok());
  ASSERT_TRUE(store_->Flush().ok());
  store_.reset();
  std::ofstream(Segments()[0]) << "nonsense";
  Open();
  EXPECT_EQ(damage_.size(), 1u);
  ASSERT_TRUE(store_->DeleteJob("job/1").ok());
  EXPECT_TRUE(Texts().empty());
  EXPECT_TRUE(left_out_.ok());
  Open();
  EXPECT_TRUE(damage_.empty());
}

TEST_F(StoreTest, DamageIsReportedAndTheRestServed) {
  ASSERT_TRUE(store_->Append(1, Batch({Line(0, 1, "one")})).ok());
  ASSERT_TRUE(store_->Flush().ok());
  fs::path first = Segments()[0];
  ASSERT_TRUE(store_->Append(2, Batch({Line(0, 2, "two")})).ok());
  ASSERT_TRUE(store_->Flush().ok());
  store_.reset();
  std::string bytes = *base::ReadWholeFile(first);
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 8);
    std::ofstream(first, std::ios::binary) << damaged;
    Open();
    EXPECT_EQ(Texts(), std::vector<std::string>{"two"}) << at;
    EXPECT_EQ(left_out_.code(), base::Code::kCorrupt) << at;
  }
}

TEST_F(StoreTest, SubscribersSeeEachBatchOnce) {
  std::vector<std::string> seen;
  uint64_t token = store_->Subscribe([&](const auto& batch) {
    model::RecordBatch::Cursor cursor(*batch);
    model::RecordView record;
    while (cursor.Next(&record)) seen.emplace_back(record.text);
  });
  ASSERT_TRUE(store_->Append(1, Batch({Line(0, 1, "a"), Line(0, 2, "b")})).ok());
  store_->Unsubscribe(token);
  ASSERT_TRUE(store_->Append(2, Batch({Line(0, 3, "c")})).ok());
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace rankscope::store
