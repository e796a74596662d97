#include "model/rank_set.h"

#include <gtest/gtest.h>

namespace rankscope::model {
namespace {

TEST(RankSet, FoldsRuns) { EXPECT_EQ(RankSet({0, 1, 2, 5, 7, 8}), "0-2, 5, 7-8"); }

}  // namespace
}  // namespace rankscope::model
