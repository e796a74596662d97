#include "detect/step_rows.h"

#include <gtest/gtest.h>

#include "detect/watches/watch.h"

namespace rankscope::detect {
namespace {

// Ranks that report steps of one metric.
class StepRowsTest : public testing::Test {
 protected:
  void Report(size_t rank, int64_t step, double value) {
    if (sources_.size() <= rank) sources_.resize(rank + 1);
    sources_[rank].slot = rank;
    rows_.Take(sources_[rank], step, Point::Of(value, step, step * base::kNsPerSecond));
  }
  // Steps that are over now, and how many ranks each has.
  std::vector<std::pair<int64_t, size_t>> Over() {
    std::vector<std::pair<int64_t, size_t>> over;
    while (const StepRow* row = rows_.Next()) {
      over.emplace_back(row->step, row->points.size());
      middle_ = row->Middle();
      restarted_ = row->restarted;
    }
    return over;
  }
  using Steps = std::vector<std::pair<int64_t, size_t>>;

  std::vector<Source> sources_ = std::vector<Source>(16);
  StepRows rows_;
  Point middle_;
  bool restarted_ = false;
};

TEST_F(StepRowsTest, AStepIsOverWhenEachRankHasReportedIt) {
  for (size_t rank = 0; rank < 3; ++rank) Report(rank, 1, static_cast<double>(rank));
  EXPECT_EQ(Over(), Steps());
  for (size_t rank = 0; rank < 3; ++rank) Report(rank, 2, static_cast<double>(rank));
  EXPECT_EQ(Over(), (Steps{{1, 3}, {2, 3}}));
  Report(0, 3, 1);
  Report(1, 3, 100);
  EXPECT_EQ(Over(), Steps());
  Report(2, 3, 2);
  EXPECT_EQ(Over(), (Steps{{3, 3}}));
  EXPECT_EQ(middle_.mean, 2) << "no single rank moves the job";
}

TEST_F(StepRowsTest, ARankThatDiesIsNotWaitedForForEver) {
  for (int64_t step = 1; step <= 3; ++step) {
    for (size_t rank = 0; rank < 2; ++rank) Report(rank, step, 1);
  }
  EXPECT_EQ(Over().size(), 3U);
  for (int64_t step = 4; step <= 40; ++step) Report(0, step, 1);
  auto over = Over();
  ASSERT_FALSE(over.empty());
  EXPECT_EQ(over.back(), (std::pair<int64_t, size_t>(40, 1)));
}

TEST_F(StepRowsTest, ARankThatComesLateIsWaitedForFromThenOn) {
  Report(0, 1, 1);
  Report(0, 2, 1);
  EXPECT_EQ(Over().size(), 2U);
  for (int64_t step = 1; step <= 3; ++step) Report(1, step, 1);  // 1 and 2 are too late
  Report(0, 3, 1);
  Over();
  Report(0, 4, 1);
  EXPECT_EQ(Over(), Steps());
  Report(1, 4, 1);
  EXPECT_EQ(Over(), (Steps{{4, 2}}));
}

TEST_F(StepRowsTest, AJobThatGoesBackBeginsAnew) {
  for (int64_t step = 1; step <= 10; ++step) Report(0, step, 1);
  EXPECT_EQ(Over().size(), 10U);
  EXPECT_TRUE(!restarted_);
  Report(0, 6, 1);
  EXPECT_EQ(Over(), (Steps{{6, 1}}));
  EXPECT_TRUE(restarted_);
}

}  // namespace
}  // namespace rankscope::detect
