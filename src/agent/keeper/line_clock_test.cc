#include "agent/keeper/line_clock.h"

#include <gtest/gtest.h>

namespace rankscope::agent {
namespace {

using base::kNsPerMs;
using base::kNsPerSecond;

constexpr base::TimeNs kBegin = 1'795'000'000 * kNsPerSecond;

TEST(LineClock, StandsStillWhileTheWallClockThatWasSetBackALittleCatchesUp) {
  LineClock clock;
  EXPECT_EQ(clock.At(kBegin), kBegin);
  EXPECT_EQ(clock.At(kBegin - 30 * kNsPerMs), kBegin);
  EXPECT_EQ(clock.At(kBegin - 10 * kNsPerMs), kBegin);
  EXPECT_EQ(clock.At(kBegin + kNsPerMs), kBegin + kNsPerMs);
}

TEST(LineClock, FollowsAWallClockThatWasSet) {
  LineClock clock;
  clock.At(kBegin);
  EXPECT_EQ(clock.At(kBegin - 3600 * kNsPerSecond), kBegin - 3600 * kNsPerSecond);
  EXPECT_EQ(clock.At(kBegin + 3600 * kNsPerSecond), kBegin + 3600 * kNsPerSecond);
}

}  // namespace
}  // namespace rankscope::agent
