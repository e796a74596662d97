#include "detect/batch_work.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rankscope::detect {
namespace {

BatchWork Of(double sequences, double length) {
  return {sequences * length, sequences * length * length, sequences * length};
}

std::optional<BatchWork> WorkOfLengths(std::string_view lengths) {
  model::FieldView field;
  field.name = "lengths";
  field.kind = model::FieldView::Kind::kText;
  field.text = lengths;
  model::RecordView record;
  record.stream = model::Stream::kBatch;
  record.step = 7;
  record.fields = {field};
  return WorkOf(record);
}

TEST(BatchWork, SumsLengthsAndTheirSquares) {
  auto work = WorkOfLengths("[3, 4]");
  ASSERT_TRUE(work);
  EXPECT_EQ(work->tokens, 7);
  EXPECT_EQ(work->squares, 25);
  EXPECT_FALSE(WorkOfLengths("[]"));
  EXPECT_FALSE(WorkOfLengths("none"));
}

TEST(BatchLog, GivesTheMeanOfARecordsSteps) {
  BatchLog log;
  for (int64_t step = 1; step <= 20; ++step) log.Take(step, Of(1, static_cast<double>(step)));
  Point point = Point::Of(1, 20, 0);
  point.steps = 10;
  EXPECT_EQ(log.Over(point)->tokens, 15.5);
  log.Take(5, Of(1, 8));  // back to a checkpoint
  EXPECT_FALSE(log.Over(point));
}

TEST(BatchCost, LearnsWhatSquaresCost) {
  BatchCost cost;
  for (int i = 0; i < 200; ++i) {
    double length = 1000 + 200 * (i % 11);
    cost.Learn(Of(2, length), 0.3 + length / 1e4 + length * length / 1e7);
    cost.Settle();
  }
  auto seconds = [](double length) { return 0.3 + length / 1e4 + length * length / 1e7; };
  EXPECT_NEAR(cost.Ratio(Of(2, 4000)) / cost.Ratio(Of(2, 1000)), seconds(4000) / seconds(1000), 0.15);
}

TEST(BatchCost, IsNotLedAstrayByTheFirstSlowSteps) {
  BatchCost cost;
  for (int i = 0; i < 200; ++i) {
    double length = 1000 + 200 * (i % 11);
    cost.Learn(Of(2, length), (i < 6 ? 10 : 1) * length / 1e4);
    cost.Settle();
  }
  EXPECT_NEAR(cost.Ratio(Of(4, 1500)) / cost.Ratio(Of(2, 1500)), 2, 0.15);
}

TEST(BatchCost, TakesABatchToCostByItsTokensAtFirst) {
  BatchCost cost;
  for (int i = 0; i < 50; ++i) cost.Learn(Of(4, 1000), 2);
  cost.Settle();
  EXPECT_NEAR(cost.Ratio(Of(6, 1000)), 1.5, 0.01);
}

TEST(BatchCost, GivesNoBatchMoreTimeThanItsSquaresExplain) {
  BatchCost cost;
  for (int i = 0; i < 500; ++i) {
    cost.Learn(Of(4, 1000), 1);
    if (i % 8 == 0) cost.Learn(Of(4, 1050), 1.6);  // slow for another reason
  }
  cost.Settle();
  EXPECT_LE(cost.Ratio(Of(4, 1050)), std::pow(1.05, 2) + 1e-6);
}

}  // namespace
}  // namespace rankscope::detect
