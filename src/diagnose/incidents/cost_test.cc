#include "diagnose/incidents/cost.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace rankscope::diagnose {
namespace {

constexpr int64_t kSecond = base::kNsPerSecond, kHour = 3600 * kSecond;

// Steps `first` to `last`, each taking so long, from `start` on.
void Steps(int64_t first, int64_t last, base::TimeNs start, int64_t each, std::vector<StepTime>* steps) {
  for (int64_t step = first; step <= last; ++step) steps->push_back({step, start + (step - first) * each});
}

// A job that makes a step in ten seconds, up to step 101 after 1000 s.
Pace Before() {
  std::vector<StepTime> steps;
  Steps(1, 101, 0, 10 * kSecond, &steps);
  return *PaceOf(steps);
}

TEST(RankHoursLost, OfAHangIsAllOfItsTime) {
  EXPECT_NEAR(RankHoursLost(Before(), 101, 1000 * kSecond, 1000 * kSecond + kHour, 8), 8, 1e-9);
}

TEST(RankHoursLost, OfASlowdownIsItsShare) {
  EXPECT_NEAR(RankHoursLost(Before(), 281, 1000 * kSecond, 1000 * kSecond + kHour, 4), 2, 1e-9) << "half as fast";
}

TEST(RankHoursLost, OfWhatSlowsNothingDownIsNothing) {
  EXPECT_NEAR(RankHoursLost(Before(), 201, 1000 * kSecond, 2000 * kSecond, 4), 0, 1e-9);
  EXPECT_EQ(RankHoursLost(Before(), 500, 1000 * kSecond, 2000 * kSecond, 4), 0) << "faster than before";
}

TEST(RankHoursLost, CountsStepsThatAreMadeAgain) {
  EXPECT_NEAR(RankHoursLost(Before(), /*furthest=*/99, 1000 * kSecond, 1600 * kSecond, 6), 1, 1e-9);
}

TEST(Pace, IsThatOfTheLast200StepsWhateverPausesThereWere) {
  std::vector<StepTime> steps;
  Steps(1, 1000, 0, kSecond, &steps);
  Steps(1001, 1100, 5000 * kSecond, 3 * kSecond, &steps);
  Steps(1101, 1300, 9000 * kSecond, 4 * kSecond, &steps);
  std::reverse(steps.begin(), steps.end());  // in whatever order they come
  auto pace = PaceOf(steps);
  ASSERT_TRUE(pace);
  EXPECT_EQ(pace->furthest, 1300);
  EXPECT_EQ(pace->ns_per_step, 4.0 * kSecond);
}

TEST(Pace, LeavesOutStepsThatAreMadeAgain) {
  std::vector<StepTime> steps;
  Steps(1, 101, 0, 10 * kSecond, &steps);
  Steps(51, 101, 2000 * kSecond, kSecond, &steps);
  EXPECT_EQ(PaceOf(steps)->ns_per_step, 10.0 * kSecond);
}

TEST(Pace, IsNotKnownOfFewSteps) {
  EXPECT_FALSE(PaceOf({}));
  EXPECT_FALSE(PaceOf({{1, 0}, {2, 1}, {3, 2}, {3, 3}, {4, 4}}));
}

}  // namespace
}  // namespace rankscope::diagnose
