#include "cli/heat_rows.h"

#include <gtest/gtest.h>

#include "cli/plot.h"
#include "cli/table.h"

namespace rankscope::cli {
namespace {

TEST(HeatRows, TheRankThatLeavesTheOthersIsOdd) {
  HeatMap map;
  map.columns = 4;
  for (int rank = 0; rank < 16; ++rank) map.ranks[rank] = {1.0 + rank * 0.001, 1.0, 1.0, 1.0};
  map.ranks[5][2] = 3.0;
  HeatRows rows = FindOddRanks({map});
  ASSERT_EQ(rows.odd.size(), 1u);
  EXPECT_EQ(rows.odd[0].rank, 5);
  EXPECT_EQ(rows.odd[0].column, 2u);
  EXPECT_EQ(rows.odd[0].shades, "··█·");
  EXPECT_EQ(rows.median[1], 1.0);
}

TEST(HeatRows, NoiseOfRanksThatAgreeIsNotOdd) {
  HeatMap map;
  map.columns = 1;
  for (int rank = 0; rank < 16; ++rank) map.ranks[rank] = {rank == 3 ? 1.01 : 1.0};
  EXPECT_TRUE(FindOddRanks({map}).odd.empty());
}

TEST(HeatRows, ASpikeInsideABucketIsOdd) {
  HeatMap last, highest;
  last.columns = highest.columns = 2;
  for (int rank = 0; rank < 8; ++rank) {
    last.ranks[rank] = {1.0, 1.0};
    highest.ranks[rank] = {5.0, rank == 6 ? 99.0 : 1.2};
  }
  HeatRows rows = FindOddRanks({last, highest});
  ASSERT_EQ(rows.odd.size(), 1u);
  EXPECT_EQ(rows.odd[0].rank, 6);
  EXPECT_EQ(rows.odd[0].column, 1u);
  EXPECT_EQ(rows.median[0], 1.0);
}

TEST(HeatRows, TwoRanksHaveNoOddOneAmongThem) {
  HeatMap map;
  map.columns = 1;
  map.ranks[0] = {1.0};
  map.ranks[1] = {100.0};
  EXPECT_TRUE(FindOddRanks({map}).odd.empty());
}

TEST(Plot, DrawsFromLowToHighAndMarksWhatIsNoNumber) {
  PlotLine line;
  for (int64_t x = 0; x < 20; ++x) line.points.push_back({x, static_cast<double>(x), static_cast<double>(x), x == 10});
  std::string plot = Plot({line}, 10, 4);
  EXPECT_NE(plot.find("        19 ┤"), std::string::npos) << plot;
  EXPECT_NE(plot.find("         0 ┤"), std::string::npos) << plot;
  EXPECT_NE(plot.find("×"), std::string::npos) << plot;
  EXPECT_EQ(Plot({}, 10, 4), "");
}

TEST(Plot, OneSpikeDoesNotFlattenTheRest) {
  PlotLine line;
  for (int64_t x = 0; x < 1000; ++x) {
    double y = x == 500 ? 1e6 : static_cast<double>(x);
    line.points.push_back({x, y, y, false});
  }
  std::string plot = Plot({line}, 10, 4);
  EXPECT_EQ(plot.find("1e+06 ┤"), std::string::npos) << plot;
  EXPECT_NE(plot.find("1 above, up to 1e+06"), std::string::npos) << plot;
}

TEST(Sparkline, RunsFromTheLowestToTheHighest) { EXPECT_EQ(Sparkline({1, 2, std::nullopt, 8}), "▁▂ █"); }

TEST(Table, IdeographsTakeTwoCells) {
  EXPECT_EQ(DisplayWidth("显存 GPU"), 8u);
  EXPECT_EQ(ShownValue("a\x1b[31m\n"), "a\\x1b[31m\\n");
}

TEST(HeatColumns, AreTheBucketsThatThereAreAndInTimeTheGapsToo) {
  EXPECT_EQ(HeatColumns({5, 1, 9}, {}), (std::vector<int64_t>{1, 5, 9}));
  EXPECT_EQ(HeatColumns({4000, 1000}, 1000), (std::vector<int64_t>{1000, 2000, 3000, 4000}));
  EXPECT_EQ(HeatColumns({7}, 1000), (std::vector<int64_t>{7}));
}

TEST(HeatColumns, OfNothingAreNone) {
  EXPECT_TRUE(HeatColumns({}, {}).empty());
  EXPECT_TRUE(HeatColumns({}, 1000).empty());
}

}  // namespace
}  // namespace rankscope::cli
