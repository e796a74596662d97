#include "diagnose/incidents/cost.h"

#include <gtest/gtest.h>

namespace rankscope::diagnose {
namespace {

constexpr int64_t kSecond = base::kNsPerSecond, kHour = 3600 * kSecond;

// Steps `first` to `last`, each taking so long, from `start` on.
void Steps(int64_t first, int64_t last, base::TimeNs start, int64_t each, std::vector<StepTime>* steps) {
  for (int64_t step = first; step <= last; ++step) steps->push_back({step, start + (step - first) * each});
}

TEST(RankHoursLost, OfAHangIsAllOfItsTime) {
  std::vector<StepTime> steps;
  Steps(1, 101, 0, 10 * kSecond, &steps);
  EXPECT_NEAR(*RankHoursLost(steps, 1000 * kSecond, 1000 * kSecond + kHour, 8), 8, 1e-9);
}

TEST(RankHoursLost, OfASlowdownIsItsShare) {
  std::vector<StepTime> steps;
  Steps(1, 101, 0, 10 * kSecond, &steps);
  Steps(102, 281, 1020 * kSecond, 20 * kSecond, &steps);
  EXPECT_NEAR(*RankHoursLost(steps, 1000 * kSecond, 1000 * kSecond + kHour, 4), 2, 0.02) << "half as fast";
}

TEST(RankHoursLost, OfWhatSlowsNothingDownIsNothing) {
  std::vector<StepTime> steps;
  Steps(1, 500, 0, 10 * kSecond, &steps);
  EXPECT_NEAR(*RankHoursLost(steps, 1000 * kSecond, 2000 * kSecond, 4), 0, 0.02);
}

TEST(RankHoursLost, CountsStepsThatAreMadeAgain) {
  std::vector<StepTime> steps;
  Steps(1, 101, 0, 10 * kSecond, &steps);
  Steps(51, 101, 1100 * kSecond, 10 * kSecond, &steps);
  EXPECT_NEAR(*RankHoursLost(steps, 1000 * kSecond, 1600 * kSecond, 6), 1, 1e-9) << "600 s of 6 ranks";
}

TEST(RankHoursLost, IsNotKnownWithoutStepsBefore) {
  EXPECT_EQ(RankHoursLost({}, 0, kHour, 1), std::nullopt);
  EXPECT_EQ(RankHoursLost({{1, 0}, {2, 1}}, 5, kHour, 1), std::nullopt);
}

}  // namespace
}  // namespace rankscope::diagnose
