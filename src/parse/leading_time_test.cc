#include "parse/leading_time.h"

#include <gtest/gtest.h>

namespace rankscope::parse {
namespace {

constexpr int64_t kMidnight = 1'793'491'200 * base::kNsPerSecond;  // 2026-11-01
constexpr int64_t kMillisecond = base::kNsPerSecond / 1000;

TEST(LeadingTime, ReadsWhatLoggersWrite) {
  EXPECT_EQ(LeadingTime("2026-11-01 00:00:00,250 INFO x"), kMidnight + 250 * kMillisecond);
  EXPECT_EQ(LeadingTime("[2026-11-01T00:00:00Z] x"), kMidnight);
  EXPECT_EQ(LeadingTime("[INFO|trainer.py:1] 2026-11-01 08:00:00+08:00 >> x"), kMidnight);
  EXPECT_EQ(LeadingTime("2026-10-31T19:00:00.5-0500 x"), kMidnight + 500 * kMillisecond);
  EXPECT_EQ(LeadingTime("11/01/2026 00:00:00 - INFO - x"), kMidnight);
  EXPECT_EQ(LeadingTime("[2026/11/01 00:00:00] x"), kMidnight);
  EXPECT_EQ(LeadingTime("time      : 2026-11-01_00:00:00"), kMidnight);
  EXPECT_EQ(LeadingTime("Sun Nov  1 00:00:00 2026 x"), kMidnight);
}

TEST(LeadingTime, TextAndNumbersAreNoTime) {
  EXPECT_FALSE(LeadingTime("step 12 of 2026-11-01"));
  EXPECT_FALSE(LeadingTime("2026-13-01 00:00:00 x"));
  EXPECT_FALSE(LeadingTime("2026-11-01 24:00:00 x"));
  EXPECT_FALSE(LeadingTime("17/40 12:00:00 left", kMidnight));
  EXPECT_FALSE(LeadingTime(""));
  EXPECT_FALSE(LeadingTime("1793491200"));
  EXPECT_FALSE(LeadingTime("5793491200 ids"));
}

TEST(LeadingTime, SecondsSince1970AreOneAtTheBeginningOnly) {
  EXPECT_EQ(LeadingTime("[1793491200.25] x"), kMidnight + 250 * kMillisecond);
  EXPECT_EQ(LeadingTime("1793491200250 x"), kMidnight + 250 * kMillisecond);
  EXPECT_FALSE(LeadingTime("seed 1793491200 x"));
}

TEST(LeadingTime, ALongRowOfDigitsDoesNotOverflow) {
  EXPECT_FALSE(LeadingTime("9999999991111111111 x"));
  EXPECT_FALSE(LeadingTime("1999999999999999999999 x"));
}

TEST(LeadingTime, AYearThatIsNotToldIsTheNearestOne) {
  EXPECT_EQ(LeadingTime("E1101 00:00:00.250000 17 api.cc:5] x", kMidnight), kMidnight + 250 * kMillisecond);
  EXPECT_EQ(LeadingTime("[E1101 00:00:00.250000001 ProcessGroupNCCL.cpp:1] x", kMidnight + 30 * base::kNsPerSecond),
            kMidnight + 250 * kMillisecond + 1);
  EXPECT_EQ(LeadingTime("Nov  1 00:00:00 node7 kernel: x", kMidnight), kMidnight);
  EXPECT_EQ(LeadingTime("INFO 11-01 00:00:00 x.py:1] x", kMidnight), kMidnight);
  EXPECT_EQ(LeadingTime("11/01 00:00:00 - mmengine - x", kMidnight), kMidnight);
  EXPECT_FALSE(LeadingTime("E1101 00:00:00.250000 x"));
  constexpr int64_t kNewYear = 1'798'761'600 * base::kNsPerSecond;  // 2027-01-01
  EXPECT_EQ(LeadingTime("I1231 23:59:59 x", kNewYear), kNewYear - base::kNsPerSecond);
}

}  // namespace
}  // namespace rankscope::parse
