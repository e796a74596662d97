#include "base/memory_return.h"

#include <gtest/gtest.h>

namespace rankscope::base {
namespace {

// A process of which each second is looked at.
class MemoryReturnTest : public testing::Test {
 protected:
  // How often memory was given back in so many seconds with so much work in each.
  int Live(int seconds, double work_s) {
    int returns = 0;
    for (; seconds > 0; --seconds) {
      used_ += static_cast<std::clock_t>(work_s * CLOCKS_PER_SEC);
      returns += memory_.Look(used_) ? 1 : 0;
    }
    return returns;
  }

  MemoryReturn memory_;
  std::clock_t used_ = 0;
};

TEST_F(MemoryReturnTest, GivesBackOnceWorkIsFollowedByFiveQuietSeconds) {
  EXPECT_EQ(Live(10, 1), 0);
  EXPECT_EQ(Live(4, 0), 0);
  EXPECT_EQ(Live(1, 0), 1);
  EXPECT_EQ(Live(100, 0), 0);
}

TEST_F(MemoryReturnTest, GivesBackWhatLittleWorkLeavesThatNeverBreaksTheQuiet) {
  EXPECT_EQ(Live(100, 0), 0);
  EXPECT_EQ(Live(3, 0.04), 1);
  EXPECT_EQ(Live(20, 0.04), 4);
}

}  // namespace
}  // namespace rankscope::base
