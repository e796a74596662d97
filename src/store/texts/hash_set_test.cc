#include "store/texts/hash_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace rankscope::store {
namespace {

TEST(HashSet, HasEachHashOnce) {
  std::mt19937_64 random(5);
  HashSet hashes;
  std::set<uint64_t> expected;
  for (int i = 0; i < 20'000; ++i) {
    // Some of those before again; many at the same places; and 0.
    uint64_t hash = i % 3 == 0 ? random() : i % 3 == 1 ? random() % 2'000 << 40 : random() % 500;
    hashes.Add(hash);
    expected.insert(hash);
    ASSERT_EQ(hashes.size(), expected.size());
  }
  std::multiset<uint64_t> found;
  hashes.ForEach([&](uint64_t hash) { found.insert(hash); });
  EXPECT_EQ(found, std::multiset<uint64_t>(expected.begin(), expected.end()));
}

TEST(HashSet, IsEmptyAtFirst) {
  HashSet hashes;
  hashes.Expect(7);
  hashes.ForEach([](uint64_t) { FAIL(); });
  EXPECT_EQ(hashes.size(), 0U);
}

}  // namespace
}  // namespace rankscope::store
