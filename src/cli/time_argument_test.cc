#include "cli/time_argument.h"

#include <gtest/gtest.h>

namespace rankscope::cli {
namespace {

TEST(TimeArgument, CountsDurationsBack) {
  constexpr int64_t kNow = 1'000'000 * base::kNsPerSecond;
  EXPECT_EQ(*ParseTimeArgument("10m", kNow), kNow - 600 * base::kNsPerSecond);
  EXPECT_EQ(*ParseTimeArgument("2h30m", kNow), kNow - 9000 * base::kNsPerSecond);
  EXPECT_EQ(*ParseTimeArgument("250ms", kNow), kNow - 250 * base::kNsPerMs);
}

TEST(TimeArgument, ReadsTimesWithFractionAndOffset) {
  EXPECT_EQ(*ParseTimeArgument("2023-11-14T22:13:20.5Z", 0), 1'700'000'000'500'000'000);
  EXPECT_EQ(*ParseTimeArgument("2023-11-15T00:13:20+02:00", 0), 1'700'000'000'000'000'000);
}

TEST(TimeArgument, ReadsTheBeginningOfATimeAndTakesItForUtc) {
  EXPECT_EQ(*ParseTimeArgument("2023-11-14T22:13:20", 0), 1'700'000'000'000'000'000);
  EXPECT_EQ(*ParseTimeArgument("2023-11-14 22:13", 0), 1'699'999'980'000'000'000);
  EXPECT_EQ(*ParseTimeArgument("2023-11-14", 0), 1'699'920'000'000'000'000);
}

TEST(TimeArgument, NowIsTheReference) { EXPECT_EQ(*ParseTimeArgument("now", 5), 5); }

TEST(TimeArgument, RefusesTheRestAndShowsTheForms) {
  for (const char* text : {"", "10", "m", "10x", "5m3", "2023-11", "2023-11-14T22", "2023-11-14T22:13:", "22:13:20"}) {
    auto result = ParseTimeArgument(text, 0);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_NE(result.status().message().find("10m"), std::string::npos);
  }
}

}  // namespace
}  // namespace rankscope::cli
