#include "monitor/incident_costs.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "query/store_log_source.h"
#include "store/store.h"

namespace rankscope::monitor {
namespace {

constexpr int64_t kSecond = base::kNsPerSecond, kHour = 3600 * kSecond;

// The store's, with a note of what was asked for.
class NotingSource : public query::LogSource {
 public:
  explicit NotingSource(store::Store* store) : source_(query::MakeStoreLogSource(store)) {}

  base::Status Read(const model::Scan&, base::Budget*, const std::function<bool(const model::Record&)>&) override {
    return base::Status::Invalid("records are not to be read one by one");
  }
  base::Status Aggregate(const model::Scan& scan, const model::Aggregation& aggregation, base::Budget* budget,
                         const model::TakeCells& take) override {
    since.push_back(scan.filter.children[2].since);
    return source_->Aggregate(scan, aggregation, budget, take);
  }
  uint64_t Subscribe(std::function<void(const std::shared_ptr<const model::RecordBatch>&)>) override { return 0; }
  void Unsubscribe(uint64_t) override {}

  std::vector<base::TimeNs> since;  // of each scan

 private:
  std::unique_ptr<query::LogSource> source_;
};

class IncidentCostsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "/rankscope_incident_costs_test";
    std::filesystem::remove_all(folder);
    std::vector<std::string> damage;
    store_ = *store::Store::Open(folder, {.project = "default"}, &damage);
    source_ = std::make_unique<NotingSource>(store_.get());
    costs_ = std::make_unique<IncidentCosts>(source_.get());
  }
  // Every rank tells each step, some ms after the one before it.
  void Steps(int32_t ranks, int64_t first, int64_t last, base::TimeNs start, int64_t each) {
    model::RecordBatchBuilder builder;
    for (int64_t step = first; step <= last; ++step) {
      for (int32_t rank = 0; rank < ranks; ++rank) {
        model::Record record;
        record.origin.job = "j";
        record.origin.rank = rank;
        record.stream = model::Stream::kMetric;
        record.step = step;
        record.time = start + (step - first) * each + rank * base::kNsPerMs;
        record.fields = {{"loss", 1.0}};
        builder.Add(record);
      }
    }
    ASSERT_TRUE(store_->Append(++position_, *model::RecordBatch::Decode(builder.Take())).ok());
  }
  static diagnose::Incident Since(base::TimeNs started, int64_t ranks) {
    diagnose::Incident incident;
    incident.id = "i-1";
    incident.project = "default";
    incident.job = "j";
    incident.started = started;
    incident.world_size = ranks;
    return incident;
  }
  std::optional<double> Cost(const diagnose::Incident& incident, base::TimeNs until) {
    auto hours = costs_->RankHours(incident, until);
    EXPECT_TRUE(hours.ok()) << hours.status().message();
    return hours.ok() ? *hours : std::nullopt;
  }

  uint64_t position_ = 0;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<NotingSource> source_;
  std::unique_ptr<IncidentCosts> costs_;
};

TEST_F(IncidentCostsTest, AThousandRanksForHoursCostWhatTheyLost) {
  constexpr int32_t kRanks = 1024;
  Steps(kRanks, 1, 101, 0, 10 * kSecond);
  Steps(kRanks, 102, 191, 1020 * kSecond, 120 * kSecond);  // for three hours a twelfth as fast
  diagnose::Incident incident = Since(1001 * kSecond, kRanks);
  EXPECT_NEAR(*Cost(incident, 1001 * kSecond + 3 * kHour), kRanks * 3 * 11 / 12.0, kRanks * 0.01);
}

TEST_F(IncidentCostsTest, WhatGoesOnIsReadOnFromWhereItWasRead) {
  Steps(4, 1, 101, 0, 10 * kSecond);
  diagnose::Incident incident = Since(1001 * kSecond, 4);
  EXPECT_NEAR(*Cost(incident, 1001 * kSecond + kHour), 4, 0.01);
  source_->since.clear();
  Steps(4, 102, 281, 1001 * kSecond + kHour, 10 * kSecond);  // it goes on as before
  EXPECT_NEAR(*Cost(incident, 1001 * kSecond + kHour + 1800 * kSecond), 4, 0.01);
  ASSERT_EQ(source_->since.size(), 1U);
  EXPECT_GT(source_->since[0], 1001 * kSecond + kHour - 300 * kSecond);
}

TEST_F(IncidentCostsTest, StepsAfterTheEndDoNotMakeItCheaper) {
  Steps(4, 1, 101, 0, 10 * kSecond);
  Steps(4, 102, 281, 1001 * kSecond + kHour, 10 * kSecond);
  diagnose::Incident incident = Since(1001 * kSecond, 4);
  Cost(incident, 1001 * kSecond + kHour + 1800 * kSecond);  // it was looked at before its end was known
  EXPECT_NEAR(*Cost(incident, 1001 * kSecond + kHour), 4, 0.01);
}

TEST_F(IncidentCostsTest, StepsThatAreMadeAgainAfterARestartAreLost) {
  Steps(2, 1, 200, 0, 10 * kSecond);
  Steps(2, 101, 160, 2000 * kSecond, 10 * kSecond);  // the incident begins amid them, long after step 200
  diagnose::Incident incident = Since(2300 * kSecond, 2);
  EXPECT_NEAR(*Cost(incident, 2600 * kSecond), 2 * 300 / 3600.0, 0.01);
}

TEST_F(IncidentCostsTest, StepsThatAreToldSeldomHaveAPaceToo) {
  for (int64_t told = 0; told <= 10; ++told) Steps(2, told * 1'000, told * 1'000, told * 1000 * kSecond, 0);
  diagnose::Incident incident = Since(10'001 * kSecond, 2);
  EXPECT_NEAR(*Cost(incident, 10'001 * kSecond + kHour), 2, 0.01);
}

TEST_F(IncidentCostsTest, OfAJobWithoutStepsNothingIsKnown) {
  Steps(2, 1, 2, 0, 10 * kSecond);
  EXPECT_EQ(Cost(Since(100 * kSecond, 2), kHour), std::nullopt);
}

TEST_F(IncidentCostsTest, ThePastOfAJobWithoutStepsIsReadOnceMoreWhenAllHasCome) {
  Steps(2, 1, 2, 0, 10 * kSecond);
  diagnose::Incident incident = Since(1001 * kSecond, 2);
  Cost(incident, 1002 * kSecond);
  source_->since.clear();
  EXPECT_EQ(Cost(incident, 1050 * kSecond), std::nullopt);
  EXPECT_TRUE(source_->since.empty()) << "a storm has thousands of such incidents";
  Steps(2, 3, 101, 20 * kSecond, 10 * kSecond);  // late
  EXPECT_NEAR(*Cost(incident, 1001 * kSecond + kHour), 2, 0.01);
}

TEST_F(IncidentCostsTest, NothingIsSoughtBeyondTheLargestStep) {
  Steps(2, 1, 100, 0, 10 * kSecond);
  diagnose::Incident incident = Since(1000 * kSecond, 2);
  model::RecordBatchBuilder builder;
  model::Record record;
  record.origin.job = "j";
  record.stream = model::Stream::kMetric;
  record.step = INT64_MAX;
  record.time = 1001 * kSecond;
  builder.Add(record);
  ASSERT_TRUE(store_->Append(++position_, *model::RecordBatch::Decode(builder.Take())).ok());
  EXPECT_EQ(Cost(incident, 1000 * kSecond + kHour), 0);
  source_->since.clear();
  EXPECT_EQ(Cost(incident, 1000 * kSecond + 2 * kHour), 0);
  EXPECT_TRUE(source_->since.empty());
}

TEST_F(IncidentCostsTest, StopsReadingAtOnce) {
  Steps(2, 1, 100, 0, 10 * kSecond);
  costs_->Stop();
  EXPECT_EQ(costs_->RankHours(Since(1000 * kSecond, 2), kHour).status().code(), base::Code::kUnavailable);
}

}  // namespace
}  // namespace rankscope::monitor
