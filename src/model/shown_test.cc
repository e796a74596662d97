#include "model/shown.h"

#include <gtest/gtest.h>

namespace rankscope::model {
namespace {

TEST(Shown, NoTextSteersATerminal) {
  EXPECT_EQ(Shown("two\nlines \x1b[31mred"), "two lines  [31mred");
  EXPECT_EQ(Shown("title \u009b2J raw \x9b[2J \x7f显存"), "title  2J raw \ufffd[2J  显存");
}

TEST(Shown, EndsWithAWholeCharacter) { EXPECT_EQ(Shown("显存", 5), "显"); }

}  // namespace
}  // namespace rankscope::model
