#include "store/columns/uuids.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <string>

namespace rankscope::store {
namespace {

std::string TextOf(const std::string& uuids, size_t place) {
  std::string text(kUuidText, '\0');
  WriteUuid(uuids.data() + place * kUuidBytes, text.data());
  return text;
}

// Every part of some UUIDs' texts, and others, against the texts themselves.
TEST(UuidSearch, FindsWhatTheTextsHoldAndRulesNothingElseOut) {
  constexpr size_t kCount = 700;
  std::mt19937 random(3);
  std::string uuids;
  for (size_t i = 0; i < kCount * kUuidBytes; ++i) uuids.push_back(static_cast<char>(random()));
  UuidSignatures signatures(kCount);
  signatures.Add(5, uuids);
  size_t ruled_out = 0, asked = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string part = TextOf(uuids, random() % kCount);
    size_t begin = random() % kUuidText;
    part = part.substr(begin, 1 + random() % (kUuidText - begin));
    if (i % 2 == 0) part[random() % part.size()] = "0123456789abcdef-"[random() % 17];
    std::vector<uint32_t> found, expected;
    for (uint32_t place = 0; place < kCount; ++place) {
      if (TextOf(uuids, place).find(part) != std::string::npos) expected.push_back(place);
    }
    UuidSearch search(part);
    search.Find(uuids, &found);
    EXPECT_EQ(found, expected) << part;
    EXPECT_TRUE(expected.empty() || search.SetsThatMayHold(signatures) >> 5 & 1) << part;
    if (!expected.empty() || part.size() < 14) continue;
    ++asked;
    ruled_out += search.SetsThatMayHold(signatures) ? 0 : 1;
  }
  EXPECT_GT(asked, 100u);
  EXPECT_GT(ruled_out * 10, asked);
}

TEST(UuidSignatures, TellSetsApartByAWholeGroupAndBetterByTwo) {
  std::mt19937 random(5);
  UuidSignatures signatures(3000);
  for (size_t set = 0; set < UuidSignatures::kSets; ++set) {
    std::string uuids;
    for (size_t i = 0; i < 3000 * kUuidBytes; ++i) uuids.push_back(static_cast<char>(random()));
    signatures.Add(set, uuids);
  }
  size_t of_group = 0, of_pair = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string part = "-0000-0000-";
    for (size_t at : {1, 2, 3, 4, 6, 7, 8, 9}) part[at] = "0123456789abcdef"[random() % 16];
    of_group += static_cast<size_t>(std::popcount(UuidSearch(part.substr(0, 6)).SetsThatMayHold(signatures)));
    of_pair += static_cast<size_t>(std::popcount(UuidSearch(part).SetsThatMayHold(signatures)));
  }
  EXPECT_LT(of_group, 1000 * UuidSignatures::kSets * 6 / 10);  // at three places
  EXPECT_LT(of_pair, 1000 * UuidSignatures::kSets / 50);
  EXPECT_LE(signatures.Memory(), size_t{1} << 20 | 64);
}

}  // namespace
}  // namespace rankscope::store
