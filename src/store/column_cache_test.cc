#include "store/column_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "store/class_rows.h"

namespace rankscope::store {
namespace {

TEST(ColumnCache, HoldsNoMoreThanItMayAndGivesBackWhatItHolds) {
  constexpr size_t kBytes = 1 << 20;
  ColumnCache cache;
  for (uint32_t block = 0; block < 1000; ++block) {
    cache.Put({1, block, 0, ColumnCache::Form::kBytes}, std::make_shared<std::string>(std::to_string(block)), kBytes);
  }
  size_t held = 0;
  for (uint32_t block = 0; block < 1000; ++block) {
    auto found = cache.Find<std::string>({1, block, 0, ColumnCache::Form::kBytes});
    if (!found) continue;
    EXPECT_EQ(*found, std::to_string(block));
    ++held;
  }
  EXPECT_GT(held, 50u);
  EXPECT_LE(held * kBytes, size_t{96} << 20);
  EXPECT_FALSE(cache.Find<std::string>({2, 999, 0, ColumnCache::Form::kBytes}));
  EXPECT_FALSE(cache.Find<std::string>({1, 999, 1, ColumnCache::Form::kBytes}));
  EXPECT_FALSE(cache.Find<std::string>({1, 999, 0, ColumnCache::Form::kRaw}));
}

TEST(ColumnCache, WhatIsUsedAgainAndAgainMostlyStays) {
  constexpr size_t kBytes = 1 << 20;
  ColumnCache cache;
  ColumnCache::Key often{1, 0, 0, ColumnCache::Form::kBytes};
  size_t lost = 0;
  for (uint32_t block = 1; block <= 1000; ++block) {
    if (!cache.Find<std::string>(often)) {
      ++lost;
      cache.Put(often, std::make_shared<std::string>("often"), kBytes);
    }
    cache.Put({1, block, 0, ColumnCache::Form::kBytes}, std::make_shared<std::string>(), kBytes);
  }
  EXPECT_LE(lost, 10u);
}

TEST(ClassRows, FindsTheRowsOfAnyClassesInAnyRange) {
  std::mt19937 random(5);
  for (size_t kinds : {1u, 2u, 5u, 300u}) {
    BlockHeader header;
    header.classes.resize(kinds);
    std::vector<uint16_t> classes;
    for (int i = 0; i < 1000; ++i) {
      classes.push_back(static_cast<uint16_t>(random() % kinds));
      ++header.classes[classes.back()].rows;
    }
    for (int round = 0; round < 50; ++round) {
      std::vector<uint16_t> wanted;
      for (uint16_t number = 0; number < kinds; ++number) {
        if (random() % 2 == 0) wanted.push_back(number);
      }
      auto first = static_cast<uint32_t>(random() % 500), last = first + static_cast<uint32_t>(random() % 500);
      std::vector<uint32_t> expected, found;
      for (uint32_t row = first; row < last; ++row) {
        bool in = std::find(wanted.begin(), wanted.end(), classes[row]) != wanted.end();
        if (in) expected.push_back(row);
      }
      ClassRows(header, wanted).Append(classes, first, last, &found);
      EXPECT_EQ(found, expected);
    }
  }
}

}  // namespace
}  // namespace rankscope::store
