#include "store/rollups/rollup_numbers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "store/aggregates/aggregate_state.h"

namespace rankscope::store {
namespace {

std::vector<long double> Decoded(const std::string& bytes, size_t count, RollupPart part) {
  RollupColumn column;
  EXPECT_TRUE(DecodeRollupNumbers(bytes, count, part, &column));
  return column.values;
}

// Cells of random values that `round` makes something of.
template <typename Round>
RollupNumbers RandomCells(const Round& round) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> values(0.4, 3.0);
  RollupNumbers numbers;
  for (int cell = 0; cell < 300; ++cell) {
    std::vector<double> of_cell(40);
    for (double& value : of_cell) value = round(values(random));
    numbers.sums.push_back(SumOf(of_cell.data(), of_cell.size()));
    numbers.lows.push_back(*std::min_element(of_cell.begin(), of_cell.end()));
    numbers.highs.push_back(*std::max_element(of_cell.begin(), of_cell.end()));
  }
  return numbers;
}

TEST(RollupNumbers, SumsOfDoublesKeepAll64Bits) {
  auto as_it_is = [](double value) { return value; };
  auto four_decimals = [](double value) { return std::round(value * 1e4) / 1e4; };
  auto tiny = [](double value) { return value * 1e-280; };
  std::vector<size_t> sizes;
  for (const RollupNumbers& numbers : {RandomCells(as_it_is), RandomCells(four_decimals), RandomCells(tiny)}) {
    std::string bytes;
    ASSERT_TRUE(EncodeRollupNumbers(numbers, &bytes));
    EXPECT_EQ(Decoded(bytes, numbers.sums.size(), RollupPart::kSums), numbers.sums);
    EXPECT_EQ(Decoded(bytes, numbers.sums.size(), RollupPart::kLows), numbers.lows);
    EXPECT_EQ(Decoded(bytes, numbers.sums.size(), RollupPart::kHighs), numbers.highs);
    sizes.push_back(bytes.size());
  }
  EXPECT_LT(sizes[1] * 2, sizes[0]);  // decimals are kept as such
}

TEST(RollupNumbers, IntegersBeyondDoublesAreExact) {
  RollupNumbers numbers;
  numbers.whole = true;
  for (int64_t value : {INT64_MAX, INT64_MIN, int64_t{9007199254740993}, int64_t{0}}) {
    for (auto* values : {&numbers.sums, &numbers.lows, &numbers.highs}) values->push_back(value);
  }
  std::string bytes;
  ASSERT_TRUE(EncodeRollupNumbers(numbers, &bytes));
  RollupColumn sums;
  ASSERT_TRUE(DecodeRollupNumbers(bytes, 4, RollupPart::kSums, &sums));
  EXPECT_TRUE(sums.whole);
  EXPECT_EQ(sums.values, numbers.sums);
  EXPECT_FALSE(DecodeRollupNumbers(bytes, 5, RollupPart::kSums, &sums));
}

TEST(RollupNumbers, WhatIsTooSmallForItsUnitIsNotKept) {
  RollupNumbers numbers;
  numbers.sums = numbers.lows = numbers.highs = {0x1p-1030L + 0x1p-1080L};
  std::string bytes;
  EXPECT_FALSE(EncodeRollupNumbers(numbers, &bytes));
  EXPECT_TRUE(bytes.empty());
}

}  // namespace
}  // namespace rankscope::store
