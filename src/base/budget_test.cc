#include "base/budget.h"

#include <gtest/gtest.h>

namespace rankscope::base {
namespace {

TEST(Budget, WithoutLimitsIsNeverSpent) {
  Budget budget;
  EXPECT_TRUE(budget.Take(UINT64_C(1) << 60));
  EXPECT_TRUE(budget.TakeRow());
  EXPECT_FALSE(budget.Spent());
}

TEST(Budget, SaysWhichLimitWasMetFirst) {
  Budget budget({.memory_bytes = 100, .rows = 2});
  EXPECT_TRUE(budget.Take(60));
  budget.Give(60);
  EXPECT_TRUE(budget.Take(100));
  EXPECT_FALSE(budget.Take(1));
  EXPECT_TRUE(budget.TakeRow()) << "what there is may still go out";
  budget.Cancel();
  EXPECT_EQ(budget.met(), Budget::Limit::kMemory);
}

TEST(Budget, CountsRowsUpToTheLimit) {
  Budget budget({.rows = 2});
  EXPECT_TRUE(budget.TakeRow());
  EXPECT_TRUE(budget.TakeRow());
  EXPECT_FALSE(budget.TakeRow());
  EXPECT_EQ(budget.met(), Budget::Limit::kRows);
}

TEST(Budget, HoldsItsRowsAfterAnotherLimitWasMet) {
  Budget budget({.memory_bytes = 100, .rows = 1});
  EXPECT_FALSE(budget.Take(101));
  EXPECT_TRUE(budget.TakeRow());
  EXPECT_FALSE(budget.TakeRow());
  EXPECT_EQ(budget.met(), Budget::Limit::kMemory);
}

TEST(Budget, MeetsItsDeadline) {
  Budget budget({.time_ns = 1});
  while (!budget.Spent()) {
  }
  EXPECT_EQ(budget.met(), Budget::Limit::kTime);
}

}  // namespace
}  // namespace rankscope::base
