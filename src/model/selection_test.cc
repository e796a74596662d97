#include "model/selection.h"

#include <gtest/gtest.h>

namespace rankscope::model {
namespace {

TEST(NumberSet, TakesRangesAndExclusions) {
  auto set = NumberSet::Parse("0-7,371,!3");
  ASSERT_TRUE(set.ok());
  EXPECT_TRUE(set->Contains(7) && set->Contains(371) && set->Contains(0));
  EXPECT_FALSE(set->Contains(3) || set->Contains(8) || set->Contains(std::nullopt));
  EXPECT_TRUE(NumberSet::Parse("!3")->Contains(4));
  EXPECT_FALSE(NumberSet::Parse("!3")->Contains(3));
  auto written = NumberSet::Parse("in(0-7,371,!3)");
  ASSERT_TRUE(written.ok());
  EXPECT_TRUE(written->Contains(7) && written->Contains(371) && !written->Contains(3) && !written->Contains(8));
}

TEST(NumberSet, RefusesTheRestAndShowsTheForm) {
  for (const char* text : {"", "a", "1,,2", "7-3", "-1", "1-", "99999999999", "in(", "in()", "in(1"}) {
    auto set = NumberSet::Parse(text);
    ASSERT_FALSE(set.ok()) << text;
    EXPECT_NE(set.status().message().find("0-7"), std::string::npos);
  }
}

TEST(Selection, AllConditionsMustHold) {
  Record record;
  record.origin.job = "j";
  record.origin.rank = 2;
  record.time = 100;
  Selection selection;
  selection.job = "j";
  selection.since = 100;
  selection.until = 101;
  selection.streams = {Stream::kStdout};
  EXPECT_TRUE(Matches(selection, record));
  selection.until = 100;
  EXPECT_FALSE(Matches(selection, record));
  selection.until = 101;
  selection.streams = {Stream::kStderr};
  EXPECT_FALSE(Matches(selection, record));
}

}  // namespace
}  // namespace rankscope::model
