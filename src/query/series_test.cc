#include "query/series.h"

#include <gtest/gtest.h>

#include <cmath>

#include "query/testing/naive_source.h"

namespace rankscope::query {
namespace {

class SeriesTest : public testing::Test {
 protected:
  void Add(int rank, std::optional<int64_t> step, double loss, model::Stream stream = model::Stream::kMetric,
           model::Fields more = {}, std::string job = "j") {
    model::Record record;
    record.origin.job = std::move(job);
    record.origin.rank = rank;
    record.origin.node_rank = rank / 2;
    record.stream = stream;
    record.step = step;
    record.time = static_cast<int64_t>(source_.records.size()) * base::kNsPerSecond;
    record.fields = std::move(more);
    record.fields.emplace_back("loss", loss);
    source_.records.push_back(record);
  }
  SeriesAnswer Read(SeriesRequest request) {
    request.metric = "loss";
    base::Budget budget;
    auto answer = ReadSeries(&source_, request, &budget);
    EXPECT_TRUE(answer.ok());
    return *answer;
  }
  NaiveSource source_;
};

TEST_F(SeriesTest, FewPointsAreKeptAsTheyAre) {
  for (int step = 0; step < 10; ++step) Add(3, step, step * 0.5);
  SeriesAnswer answer = Read({});
  ASSERT_EQ(answer.series.size(), 1u);
  EXPECT_EQ(answer.width, 1);
  ASSERT_EQ(answer.series[0].buckets.size(), 10u);
  EXPECT_EQ(answer.series[0].buckets[7].x, 7);
  EXPECT_EQ(answer.series[0].buckets[7].min, 3.5);
  EXPECT_EQ(answer.series[0].labels.back().second, model::Cell(int64_t{3}));
}

TEST_F(SeriesTest, ATextIsNoMetric) {
  Add(0, 1, std::nan(""));
  Add(1, 1, 0.5);
  source_.records[1].fields = {{"loss", std::string("high")}};
  SeriesAnswer answer = Read({});
  ASSERT_EQ(answer.series.size(), 1u) << "NaN is a number that went wrong";
  EXPECT_EQ(answer.series[0].labels.back().second, model::Cell(int64_t{0}));
}

TEST_F(SeriesTest, ThinningKeepsEverySpikeAndCountsNaN) {
  for (int step = 0; step < 10000; ++step) Add(0, step, step == 4321 ? 99.0 : step == 77 ? std::nan("") : 1.0);
  SeriesRequest request;
  request.points = 50;
  SeriesAnswer answer = Read(request);
  const auto& buckets = answer.series[0].buckets;
  EXPECT_LE(buckets.size(), 50u);
  EXPECT_EQ(answer.width & (answer.width - 1), 0) << "a power of two";
  double highest = 0;
  int64_t nonfinite = 0, values = 0;
  for (const auto& bucket : buckets) {
    highest = std::max(highest, bucket.max.value_or(0));
    nonfinite += bucket.nonfinite;
    values += bucket.count;
    EXPECT_EQ(bucket.x % answer.width, 0);
  }
  EXPECT_EQ(highest, 99.0);
  EXPECT_EQ(nonfinite, 1);
  EXPECT_EQ(values, 10000);
}

TEST_F(SeriesTest, TheMetricStreamGoesBeforePrintedLines) {
  Add(0, 5, 2.15, model::Stream::kStdout);
  Add(0, 5, 2.1534);
  Add(0, 6, 3.0, model::Stream::kStdout);
  SeriesAnswer answer = Read({});
  ASSERT_EQ(answer.series[0].buckets.size(), 2u);
  EXPECT_EQ(answer.series[0].buckets[0].last, 2.1534);
  EXPECT_EQ(answer.series[0].buckets[0].count, 1);
  EXPECT_EQ(answer.series[0].buckets[1].last, 3.0);
}

TEST_F(SeriesTest, PrintedValuesAreNotMixedWithThoseTheRankLogged) {
  for (int step = 0; step <= 40; ++step) {
    Add(0, step, step == 15 ? 7.0 : 2.0, model::Stream::kStdout);
    if (step % 10 == 0 && step >= 10 && step <= 30)
      Add(0, step, 2.4, model::Stream::kMetric, {{"window_steps", int64_t{step == 10 ? 1 : 10}}});
    Add(1, step, 3.0, model::Stream::kStderr);
  }
  for (size_t points : {1000, 8}) {
    SeriesRequest request;
    request.points = points;
    SeriesAnswer answer = Read(request);
    ASSERT_EQ(answer.series.size(), 2u);
    for (const SeriesBucket& bucket : answer.series[0].buckets) {
      bool logged = bucket.x + answer.width > 10 && bucket.x <= 30;
      EXPECT_EQ(bucket.min, logged ? 2.4 : 2.0) << bucket.x;
      EXPECT_EQ(bucket.max, logged ? 2.4 : 2.0) << bucket.x;
    }
    EXPECT_EQ(answer.series[0].buckets.front().x, 0);
    EXPECT_EQ(answer.series[0].buckets.back().x + answer.width, answer.width == 1 ? 41 : 48);
    EXPECT_EQ(answer.series[1].buckets.front().max, 3.0);
  }
}

TEST_F(SeriesTest, WhatIsPrintedOfEachStepStaysWhereItAgreesWithWhatIsLoggedOfEachTenth) {
  for (int step = 1; step <= 20; ++step) Add(0, step, step, model::Stream::kStdout);
  for (int step : {10, 20}) Add(0, step, step + 0.01, model::Stream::kMetric, {{"window_steps", int64_t{10}}});
  const auto series = Read({}).series;
  EXPECT_EQ(series[0].buckets.size(), 20u);
  EXPECT_EQ(series[0].buckets[9].last, 10.01);
  EXPECT_EQ(series[0].buckets[14].last, 15.0);
}

TEST_F(SeriesTest, WhatIsPrintedBetweenLoggedStepsStays) {
  for (int step = 1; step <= 100; ++step) Add(0, step, step, model::Stream::kStdout);
  for (int step : {5, 95}) Add(0, step, 0.5);
  const auto series = Read({}).series;
  ASSERT_EQ(series.size(), 1u);
  EXPECT_EQ(series[0].buckets.size(), 100u);
  EXPECT_EQ(series[0].buckets[4].last, 0.5);
  EXPECT_EQ(series[0].buckets[5].last, 6.0);
}

TEST_F(SeriesTest, RecordsOverSeveralStepsBringTheirExtremes) {
  Add(0, 10, 2, model::Stream::kMetric, {{"loss_min", 1.0}, {"loss_max", 50.0}, {"loss_nonfinite", int64_t{3}}});
  SeriesAnswer answer = Read({});
  const SeriesBucket& bucket = answer.series[0].buckets[0];
  EXPECT_EQ(bucket.min, 1.0);
  EXPECT_EQ(bucket.max, 50.0);
  EXPECT_EQ(bucket.nonfinite, 3);
}

TEST_F(SeriesTest, AWindowThatEndsWithItsNanHasOne) {
  Add(0, 10, NAN, model::Stream::kMetric, {{"loss_nonfinite", int64_t{1}}});
  EXPECT_EQ(Read({}).series[0].buckets[0].nonfinite, 1);
}

TEST_F(SeriesTest, ANodeIsTheSpreadOfItsRanks) {
  Add(0, 1, 1.0);
  Add(1, 1, 5.0);
  Add(2, 1, 7.0);
  SeriesRequest request;
  request.by = SeriesRequest::By::kNodeRank;
  SeriesAnswer answer = Read(request);
  ASSERT_EQ(answer.series.size(), 2u);
  const SeriesBucket& node = answer.series[0].buckets[0];
  EXPECT_EQ(node.min, 1.0);
  EXPECT_EQ(node.median, 3.0);
  EXPECT_EQ(node.max, 5.0);
  EXPECT_EQ(node.ranks, 2);
}

TEST_F(SeriesTest, WithoutStepsTimeIsTheAxis) {
  Add(0, std::nullopt, 1.0);
  Add(0, std::nullopt, 2.0);
  SeriesAnswer answer = Read({});
  EXPECT_TRUE(answer.in_time);
  EXPECT_EQ(answer.series[0].buckets.back().x / answer.width * answer.width, answer.series[0].buckets.back().x);
}

TEST_F(SeriesTest, StepsBoundIt) {
  for (int step = 0; step < 10; ++step) Add(0, step, step);
  SeriesRequest request;
  request.from_step = 3;
  request.to_step = 5;
  EXPECT_EQ(Read(request).series[0].buckets.size(), 3u);
}

TEST_F(SeriesTest, AJobIsAsFineBesideAnotherAtFarSteps) {
  for (int step = 0; step < 50; ++step) {
    Add(0, step, 2);
    Add(0, 1'000'000 + step, 3, model::Stream::kMetric, {}, "k");
  }
  SeriesAnswer answer = Read({});
  ASSERT_EQ(answer.series.size(), 2u);
  EXPECT_EQ(answer.width, 1);
  EXPECT_EQ(answer.series[0].buckets.size(), 50u);
  EXPECT_EQ(answer.series[1].buckets.size(), 50u);
}

TEST_F(SeriesTest, BoundsAreThoseOfTheValuesAndNotOfTheBuckets) {
  for (int step = 5; step < 50; ++step) Add(1, step, 2);
  SeriesRequest request;
  request.points = 3;
  SeriesAnswer answer = Read(request);
  EXPECT_EQ(answer.width, 32);
  EXPECT_EQ(answer.series[0].from, 5);
  EXPECT_EQ(answer.series[0].to, 49);
  request.in_time = true;
  EXPECT_EQ(Read(request).series[0].to, 44'000);
}

TEST_F(SeriesTest, FirstAndLastAreNumbersWhereNanIsAtTheEdges) {
  for (int step = 0; step < 6; ++step) Add(0, step, step == 0 || step > 3 ? NAN : step);
  SeriesRequest request;
  request.points = 1;
  const SeriesAnswer answer = Read(request);
  const SeriesBucket& bucket = answer.series[0].buckets[0];
  EXPECT_EQ(bucket.first, 1);
  EXPECT_EQ(bucket.last, 3);
  EXPECT_EQ(bucket.nonfinite, 3);
}

TEST_F(SeriesTest, AThinnedBucketKeepsTheSpikeAndTheNanThatWerePrintedBetweenLoggedSteps) {
  for (int step = 0; step < 64; ++step) {
    Add(0, step, step == 19 ? 50.0 : step == 37 ? NAN : 2.001, model::Stream::kStdout);
    if (step % 4 == 0) Add(0, step, 2.0);
  }
  SeriesRequest request;
  request.points = 4;
  const SeriesAnswer answer = Read(request);
  const auto& buckets = answer.series[0].buckets;
  ASSERT_EQ(buckets.size(), 4u);
  EXPECT_EQ(buckets[1].max, 50.0);
  EXPECT_EQ(buckets[1].min, 2.0);
  EXPECT_EQ(buckets[2].nonfinite, 1);
  EXPECT_EQ(buckets[2].max, 2.0) << "2.001 is a rounded 2";
  EXPECT_EQ(buckets[0].count, 16);
}

// Gets one more record after its second reading.
class GrowingSource : public NaiveSource {
 public:
  base::Status Read(const model::Scan& scan, base::Budget* budget,
                    const std::function<bool(const model::Record&)>& take) override {
    auto status = NaiveSource::Read(scan, budget, take);
    if (++readings == 2) records.push_back(next);
    return status;
  }
  model::Record next;
  int readings = 0;
};

TEST_F(SeriesTest, ARecordThatComesBetweenTheTwoReadingsMakesNoEmptyBucket) {
  for (int step = 0; step < 4; ++step) Add(0, step, 1);
  GrowingSource source;
  source.records = source_.records;
  source.next = source.records.back();
  source.next.step = 9;
  source.records[0].fields[0].second = NAN;  // so that there is a second reading of numbers alone
  SeriesRequest request;
  request.metric = "loss";
  request.points = 2;
  base::Budget budget;
  auto answer = ReadSeries(&source, request, &budget);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(source.readings, 3);
  for (const SeriesBucket& bucket : answer->series[0].buckets) EXPECT_GT(bucket.count, 0) << bucket.x;
}

TEST_F(SeriesTest, AMetricThatNobodyHasIsNoSeries) { EXPECT_TRUE(Read({}).series.empty()); }

}  // namespace
}  // namespace rankscope::query
