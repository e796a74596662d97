#include "base/shell_word.h"

#include <gtest/gtest.h>

namespace rankscope::base {
namespace {

TEST(ShellWord, LeavesPlainWordsAlone) { EXPECT_EQ(ShellWord("j-20250405_a.b/c:1"), "j-20250405_a.b/c:1"); }

TEST(ShellWord, QuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(ShellWord("my run"), "'my run'");
  EXPECT_EQ(ShellWord("$(x)'s"), "'$(x)'\\''s'");
  EXPECT_EQ(ShellWord(""), "''");
}

}  // namespace
}  // namespace rankscope::base
