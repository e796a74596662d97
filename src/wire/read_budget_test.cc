#include "wire/read_budget.h"

#include <gtest/gtest.h>

namespace rankscope::wire {
namespace {

TEST(ReadBudget, HoldsEverybodyWhileItIsSpentAndForgetsNobody) {
  ReadBudget budget(100);
  int woken = 0;
  auto later = [&] { ++woken; };
  EXPECT_TRUE(budget.MayRead(later));
  budget.Take(101);
  EXPECT_FALSE(budget.MayRead(later));
  EXPECT_FALSE(budget.MayRead(later));
  budget.Return(50);
  EXPECT_EQ(woken, 0) << "half of it is to be free again";
  budget.Return(1);
  EXPECT_EQ(woken, 2);
  EXPECT_TRUE(budget.MayRead(later));
  budget.Return(50);
  EXPECT_EQ(woken, 2);
}

}  // namespace
}  // namespace rankscope::wire
