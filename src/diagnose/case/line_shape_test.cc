#include "diagnose/case/line_shape.h"

#include <gtest/gtest.h>

namespace rankscope::diagnose {
namespace {

uint64_t Exact(std::string_view line) { return ShapeOf(line).exact; }
uint32_t Kind(std::string_view line) { return ShapeOf(line).kind; }

TEST(LineShape, NumbersThatChangeDoNotCount) {
  EXPECT_EQ(Exact("step 12345 loss 2.31 at 10:20:59"), Exact("step 99945 loss 9.99 at 00:00:00"));
  EXPECT_EQ(Exact("2026-11-01 00:00:00,123 x"), Exact("2027-01-31 23:59:59,999 x"));
  EXPECT_NE(Exact("step 12345"), Exact("step 123456"));
  EXPECT_NE(Exact("step 12345"), Exact("stop 12345"));
}

TEST(LineShape, SmallWholeNumbersCount) {
  EXPECT_NE(Exact("exit code 0"), Exact("exit code 1"));
  EXPECT_NE(Exact("signal 15 came"), Exact("signal 11 came"));
  EXPECT_EQ(Kind("exit code 0"), Kind("exit code 1"));
  EXPECT_NE(Kind("exit code 0"), Kind("exit mode 0"));
}

TEST(LineShape, IsTheSameWhereverInALineTheNumberStands) {
  for (size_t at = 0; at < 200; ++at) {
    std::string line(at, 'x'), other(at, 'x');
    EXPECT_EQ(Exact(line + " 123 y"), Exact(other + " 987 y")) << at;
    EXPECT_EQ(Exact(line + " 1.5 y"), Exact(other + " 7.2 y")) << at;
    EXPECT_EQ(Exact(line + " 12:34 y"), Exact(other + " 56:78 y")) << at;
    EXPECT_NE(Exact(line + " 12 y"), Exact(other + " 13 y")) << at;
    EXPECT_EQ(Kind(line + " 12 y"), Kind(other + " 13 y")) << at;
  }
}

TEST(LineShape, NonFiniteNumbersAreWords) {
  EXPECT_TRUE(HasNonFinite("{'loss': nan, 'lr': 1}"));
  EXPECT_TRUE(HasNonFinite("NaN"));
  EXPECT_TRUE(HasNonFinite("grad norm: -inf"));
  EXPECT_TRUE(HasNonFinite("loss=NaN"));
  EXPECT_FALSE(HasNonFinite("[INFO] finance nano"));
  EXPECT_FALSE(HasNonFinite("na"));
  EXPECT_FALSE(HasNonFinite(""));
}

}  // namespace
}  // namespace rankscope::diagnose
