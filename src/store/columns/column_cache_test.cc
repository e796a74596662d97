#include "store/columns/column_cache.h"

#include <gtest/gtest.h>

#include <string>

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

}  // namespace
}  // namespace rankscope::store
