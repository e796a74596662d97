#include "agent/ship/clock_offset.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace rankscope::agent {
namespace {

constexpr int64_t kMs = base::kNsPerMs;
constexpr int64_t kSecond = base::kNsPerSecond;
constexpr int64_t kHour = 3600 * kSecond;

TEST(ClockOffset, NoiseIsNoOffsetAndDriftIsFollowed) {
  ClockOffset clock;
  clock.Measure(15 * kMs, 3 * kMs, 7 * kHour);
  EXPECT_EQ(clock.value(), 0);
  clock.Measure(300 * kMs, 3 * kMs, 7 * kHour);
  EXPECT_EQ(clock.value(), 300 * kMs);
}

TEST(ClockOffset, OfASlowConnectionIsNoOffsetOnAFastOne) {
  ClockOffset clock;
  clock.Measure(60 * kMs, 150 * kMs, 7 * kHour);
  clock.Measure(kHour, kMs, 7 * kHour);
  EXPECT_EQ(clock.value(), 0);
}

TEST(ClockOffset, IsLearnedThoughTheFirstConnectionWasTooSlowToTellIt) {
  ClockOffset clock;
  clock.Measure(5 * kSecond, 10 * kSecond, 7 * kHour);
  EXPECT_EQ(clock.value(), 0);
  clock.Measure(5 * kSecond, kMs, 7 * kHour);
  EXPECT_EQ(clock.value(), 5 * kSecond);
}

TEST(ClockOffset, NoiseAroundAnOffsetDoesNotMoveIt) {
  ClockOffset clock;
  clock.Measure(2 * kSecond, kMs, 7 * kHour);
  clock.Measure(2 * kSecond - 50 * kMs, 100 * kMs, 7 * kHour);
  EXPECT_EQ(clock.value(), 2 * kSecond);
  clock.Measure(2 * kSecond - 50 * kMs, kMs, 7 * kHour);
  EXPECT_EQ(clock.value(), 2 * kSecond - 50 * kMs);
}

TEST(ClockOffset, ServerWhoseClockWasSetDoesNotTearARecordStreamApart) {
  ClockOffset clock;
  clock.Measure(2 * kSecond, kMs, 7 * kHour);
  for (int64_t step : {kHour, -kHour}) {
    clock.Measure(2 * kSecond + step, kMs, 7 * kHour);
    EXPECT_EQ(clock.value(), 2 * kSecond);
  }
}

TEST(ClockOffset, OwnClockThatWasSetIsFollowed) {
  ClockOffset clock;
  clock.Measure(2 * kSecond, kMs, 7 * kHour);
  clock.Measure(2 * kSecond - kHour, kMs, 8 * kHour);
  EXPECT_EQ(clock.value(), 2 * kSecond - kHour);
}

TEST(ClockOffset, SleepOfTheMachineChangesNothing) {
  ClockOffset clock;
  clock.Measure(2 * kSecond, kMs, 7 * kHour);
  clock.Measure(2 * kSecond, kMs, 9 * kHour);
  EXPECT_EQ(clock.value(), 2 * kSecond);
}

}  // namespace
}  // namespace rankscope::agent
