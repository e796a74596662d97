#include "model/time_text.h"

#include <gtest/gtest.h>

namespace rankscope::model {
namespace {

constexpr int64_t kSecond = base::kNsPerSecond;

TEST(TimeText, ReadsDurations) {
  EXPECT_EQ(ParseDuration("90s"), 90 * kSecond);
  EXPECT_EQ(ParseDuration("2h30m"), 9000 * kSecond);
  EXPECT_EQ(ParseDuration("250ms"), kSecond / 4);
  EXPECT_EQ(ParseDuration("1d"), 86400 * kSecond);
  for (const char* text : {"", "10", "m", "10 m", "-5s", "1.5h", "10x", "999999999999d", "9223372036s9223372036s"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(TimeText, ShowsDurationsInTheTwoLargestUnits) {
  const std::pair<int64_t, const char*> shown[] = {{-3, "0 s"},
                                                   {0, "0 s"},
                                                   {119, "119 s"},
                                                   {120, "2 min"},
                                                   {7199, "119 min"},
                                                   {7200, "2 h"},
                                                   {7 * 3600 + 359, "7 h 5 min"},
                                                   {172800, "2 d"},
                                                   {3 * 86400 + 4 * 3600 + 1800, "3 d 4 h"}};
  for (const auto& [seconds, text] : shown) EXPECT_EQ(FormatDuration(seconds * base::kNsPerSecond), text);
}

TEST(TimeText, ReadsTimes) {
  EXPECT_EQ(ParseTime("1970-01-01T00:00:01.5Z"), 3 * kSecond / 2);
  EXPECT_EQ(ParseTime("1970-01-01T08:00:00+08:00"), 0);
  EXPECT_EQ(ParseTime("1970-01-01T00:00:00-0330"), 12600 * kSecond);
  EXPECT_EQ(ParseTime("2026-11-01 00:20:00.000000001Z"), 1793492400 * kSecond + 1);
  EXPECT_EQ(ParseTime("1969-12-31T23:59:59.9Z"), -kSecond / 10);
  for (const char* text : {"", "yesterday", "2026-13-01", "2026-02-29", "2026-11-01T25:00:00Z", "2026-11-01T00:00:00.Z",
                           "2026-11-01T00:00:00Zx", "2026-11-01T00:00:00", "2026-11-01", "9999-01-01T00:00:00Z",
                           "2026-11-01T00:00:00+8"}) {
    EXPECT_FALSE(ParseTime(text)) << text;
  }
  EXPECT_EQ(ParseTime("1970-01-01 00:00:01", Zone::kElseUtc), kSecond);
  EXPECT_EQ(ParseTime("2000-02-29T00:00:00.1234567899", Zone::kElseUtc), 951782400 * kSecond + 123456789);
  EXPECT_EQ(TimeOfNumber(17, 1), 17 * kSecond / 10);
  EXPECT_EQ(TimeOfNumber(1793492400000, 0), 1793492400 * kSecond);
  EXPECT_EQ(TimeOfNumber(1793492400000000001, 0), 1793492400 * kSecond + 1);
}

}  // namespace
}  // namespace rankscope::model
