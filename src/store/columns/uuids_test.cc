#include "store/columns/uuids.h"

#include <gtest/gtest.h>

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
  UuidGroups groups(kCount);
  groups.Add(uuids);
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
    EXPECT_TRUE(expected.empty() || search.MayBeAmong(groups)) << part;
    if (!expected.empty() || part.size() < 14) continue;
    ++asked;
    ruled_out += search.MayBeAmong(groups) ? 0 : 1;
  }
  EXPECT_GT(asked, 100u);
  EXPECT_GT(ruled_out * 10, asked);
}

TEST(UuidGroups, AWholeGroupThatIsNotThereIsMostlyKnown) {
  std::mt19937 random(5);
  std::string uuids;
  for (size_t i = 0; i < 3000 * kUuidBytes; ++i) uuids.push_back(static_cast<char>(random()));
  UuidGroups groups(3000);
  groups.Add(uuids);
  size_t maybe = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string part = "-0000-";
    for (size_t at = 1; at < 5; ++at) part[at] = "0123456789abcdef"[random() % 16];
    maybe += UuidSearch(part).MayBeAmong(groups) ? 1 : 0;
  }
  EXPECT_LT(maybe, 250u);
  EXPECT_LE(groups.Memory(), 9u << 10);
}

}  // namespace
}  // namespace rankscope::store
