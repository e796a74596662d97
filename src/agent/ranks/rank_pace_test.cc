#include "agent/ranks/rank_pace.h"

#include <gtest/gtest.h>

namespace rankscope::agent {
namespace {

TEST(RankPace, KnowsNothingBeforeTheFirstStepHasPassed) {
  RankPace pace;
  pace.Look({}, false, 100);
  pace.Look(7, false, 200);
  EXPECT_EQ(pace.step_ns(), 0);
  EXPECT_EQ(pace.at_step_ns(250), 50);
}

TEST(RankPace, OneLongStepIsNotTheUsualOne) {
  RankPace pace;
  int64_t now = 1000;
  for (int64_t step = 0; step < 20; ++step) {
    pace.Look(step, false, now);
    now += step == 10 ? 90'000 : 100;
  }
  EXPECT_EQ(pace.step_ns(), 100);
}

TEST(RankPace, StepsThatPassBetweenTwoLooksShareTheTime) {
  RankPace pace;
  pace.Look(10, false, 1000);
  pace.Look(20, false, 2000);
  EXPECT_EQ(pace.step_ns(), 100);
}

TEST(RankPace, AHoldIsNoTimeOfAStep) {
  RankPace pace;
  pace.Look(1, false, 1000);
  pace.Look(2, false, 1100);
  pace.Look(2, true, 1110);
  pace.Look(2, true, 900'000);
  EXPECT_EQ(pace.at_step_ns(900'010), 10);
  pace.Look(2, false, 900'020);
  pace.Look(3, false, 900'100);
  EXPECT_EQ(pace.step_ns(), 100);
  pace.Look(4, false, 900'300);
  EXPECT_EQ(pace.step_ns(), 200) << "of two the longer";
}

}  // namespace
}  // namespace rankscope::agent
