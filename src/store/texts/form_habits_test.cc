#include "store/texts/form_habits.h"

#include <gtest/gtest.h>

namespace rankscope::store {
namespace {

int SplitOf(FormHabits* habits, const std::string& text, int texts, bool known) {
  int split = 0;
  for (int i = 0; i < texts; ++i) {
    FormHabits::Habit* habit = habits->Of(text);
    if (!habit->WorthSplitting()) continue;
    habit->Note(known);
    ++split;
  }
  return split;
}

TEST(FormHabits, TextsWithoutKnownFormsAreSplitNowAndThen) {
  FormHabits habits;
  EXPECT_EQ(SplitOf(&habits, "some prose", 10000, true), 10000);
  EXPECT_LT(SplitOf(&habits, "other prose", 10000, false), 2000);
  EXPECT_EQ(SplitOf(&habits, "[12:07] some prose", 10000, true), 10000);  // begins as the first
}

TEST(FormHabits, TextsAreSplitAgainOnceTheirFormsComeAgain) {
  FormHabits habits;
  (void)SplitOf(&habits, "prose", 100000, false);
  (void)SplitOf(&habits, "prose", 2000, true);
  EXPECT_EQ(SplitOf(&habits, "prose", 1000, true), 1000);
}

TEST(FormHabits, TextsOfAnyBytesHaveOne) {
  FormHabits habits;
  for (std::string text : {"", "7", "a", "123456789", "\xff", "   é"}) EXPECT_TRUE(habits.Of(text)->WorthSplitting());
}

}  // namespace
}  // namespace rankscope::store
