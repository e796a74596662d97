#include "detect/heaviest_batches.h"

#include <gtest/gtest.h>

namespace rankscope::detect {
namespace {

Point Of(int64_t step, int32_t steps) {
  Point point = Point::Of(1, step, 0);
  point.steps = steps;
  return point;
}

TEST(HeaviestBatches, KeepsTheHeaviestOfEachStepWhoseverItIs) {
  HeaviestBatches heaviest;
  for (int64_t step = 1; step <= 20; ++step) {
    heaviest.Take(step, {.tokens = 10}, 1, 0);
    heaviest.Take(step, {.tokens = step % 2 == 0 ? 30.0 : 5.0}, step % 2 == 0 ? 3 : 0.5, 0);
  }
  EXPECT_EQ(heaviest.Over(Of(20, 10))->tokens, 20);
  EXPECT_EQ(heaviest.Lately(), 3);
}

TEST(HeaviestBatches, SaysNothingOfStepsThatItDoesNotKnow) {
  HeaviestBatches heaviest;
  for (int64_t step = 5; step <= 12; ++step) heaviest.Take(step, {.tokens = 10}, 1, 0);
  EXPECT_FALSE(heaviest.Over(Of(12, 10)));
  EXPECT_TRUE(heaviest.Over(Of(12, 8)));
  heaviest.Take(8, {.tokens = 10}, 1, 1);  // back to a checkpoint
  EXPECT_FALSE(heaviest.Over(Of(12, 8)));
  EXPECT_TRUE(heaviest.Over(Of(8, 4)));
}

TEST(HeaviestBatches, ForgetsOnceWhenAllRanksGoBack) {
  HeaviestBatches heaviest;
  for (int64_t step = 5; step <= 12; ++step) heaviest.Take(step, {.tokens = 10}, 1, 0);
  heaviest.Take(8, {.tokens = 40}, 4, 1);
  heaviest.Take(9, {.tokens = 40}, 4, 1);
  heaviest.Take(8, {.tokens = 20}, 2, 1);
  EXPECT_EQ(heaviest.Over(Of(9, 2))->tokens, 40);
}

TEST(HeaviestBatches, KeepsAllThatOthersDidWhenTheRecordsOfANodeLag) {
  HeaviestBatches heaviest;
  for (int64_t step = 1; step <= 60; ++step) heaviest.Take(step, {.tokens = 10}, 1, 0);
  for (int64_t step = 1; step <= 30; ++step) heaviest.Take(step, {.tokens = 30}, 3, 0);
  EXPECT_EQ(heaviest.Over(Of(30, 30))->tokens, 30);
  EXPECT_EQ(heaviest.Over(Of(60, 60))->tokens, 20);
}

TEST(HeaviestBatches, TakesNoStepFromTheLatestForARankThatIsFarBehind) {
  HeaviestBatches heaviest;
  for (int64_t step = 1001; step <= 1200; ++step) heaviest.Take(step, {.tokens = 10}, 1, 0);
  for (int64_t step = 1; step <= 200; ++step) heaviest.Take(step, {.tokens = 30}, 3, 0);
  EXPECT_EQ(heaviest.Over(Of(1200, 100))->tokens, 10);
}

TEST(HeaviestBatches, TakesARankThatIsAStepBehind) {
  HeaviestBatches heaviest;
  heaviest.Take(1, {.tokens = 10}, 1, 0);
  heaviest.Take(2, {.tokens = 10}, 1, 0);
  heaviest.Take(1, {.tokens = 40}, 4, 0);
  EXPECT_EQ(heaviest.Over(Of(2, 2))->tokens, 25);
}

}  // namespace
}  // namespace rankscope::detect
