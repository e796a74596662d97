#include "store/texts/hash_index.h"

#include <gtest/gtest.h>

#include <random>

namespace rankscope::store {
namespace {

TEST(HashIndex, KeepsTheFirstNumberOfEachHash) {
  HashIndex index;
  std::mt19937_64 random(7);
  std::vector<uint64_t> hashes = {0, 1, ~uint64_t{0}, uint64_t{1} << 63};
  while (hashes.size() < 5000) hashes.push_back(random());
  for (uint32_t i = 0; i < hashes.size(); ++i) EXPECT_EQ(index.At(hashes[i], i), i);
  for (uint32_t i = 0; i < hashes.size(); ++i) EXPECT_EQ(index.At(hashes[i], 9999), i);
  for (uint32_t i = 0; i < hashes.size(); ++i) EXPECT_EQ(index.Find(hashes[i]), i);
  EXPECT_EQ(index.Find(2), HashIndex::kNone);
  EXPECT_EQ(index.size(), hashes.size());
}

TEST(HashIndex, CountsWhatItIsTold) {
  HashIndex index;
  for (uint32_t i = 0; i < 3000; ++i) ++index.At(i % 3 << 20, 0);
  EXPECT_EQ(index.At(1 << 20, 0), 1000u);
  index.Clear();
  EXPECT_EQ(index.size(), 0u);
  EXPECT_EQ(index.At(1 << 20, 0), 0u);
}

}  // namespace
}  // namespace rankscope::store
