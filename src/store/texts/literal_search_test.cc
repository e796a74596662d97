#include "store/texts/literal_search.h"

#include <gtest/gtest.h>

#include <random>

#include "model/words.h"

namespace rankscope::store {
namespace {

std::string Folded(std::string_view text) {
  std::string folded;
  model::AppendFolded(text, &folded);
  return folded;
}

std::string Encoded(char32_t point) {
  std::string text;
  if (point < 0x800) {
    text = {static_cast<char>(0xc0 | point >> 6)};
  } else if (point < 0x10000) {
    text = {static_cast<char>(0xe0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 0x3f))};
  } else {
    text = {static_cast<char>(0xf0 | point >> 18), static_cast<char>(0x80 | (point >> 12 & 0x3f)),
            static_cast<char>(0x80 | (point >> 6 & 0x3f))};
  }
  return text + static_cast<char>(0x80 | (point & 0x3f));
}

TEST(LiteralSearch, NeverMissesATextThatHoldsTheLiteral) {
  const std::vector<std::string> parts = {"s",        "S", "k",      "K", "a", "B", " ", "显", "存", "\xe2\x84\xaa",
                                          "\xc5\xbf", "ü", "\x1b[1m"};
  std::mt19937 random(7);
  auto text_of = [&](size_t most) {
    std::string text;
    for (size_t left = random() % (most + 1); left > 0; --left) text += parts[random() % parts.size()];
    return text;
  };
  size_t found = 0, ruled_out = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string literal = Folded(text_of(4));
    LiteralSearch search(literal);
    if (!search.usable()) continue;
    std::string arena;
    std::vector<std::pair<size_t, size_t>> texts;
    for (int i = 0; i < 8; ++i) {
      std::string text = text_of(12);
      texts.emplace_back(arena.size(), text.size());
      arena += text;
    }
    search.Run(arena);
    for (auto [begin, size] : texts) {
      std::string text = arena.substr(begin, size);
      bool holds = Folded(text).find(literal) != std::string::npos;
      bool said = search.any() && search.In(begin, size);
      EXPECT_TRUE(said || !holds) << literal << " in " << text;
      bool plain = text.find_first_of("\x1b\xe2\xc5") == std::string::npos;
      EXPECT_FALSE(said && plain && !holds) << literal << " in " << text;
      found += said;
      ruled_out += !said;
    }
  }
  EXPECT_GT(found, 1000u);
  EXPECT_GT(ruled_out, 1000u);
}

TEST(LiteralSearch, FindsWhatLiesAtAnyPlace) {
  for (size_t size : {1u, 2u, 7u, 40u}) {
    std::string literal = std::string(size - 1, 'a') + "z";
    for (size_t at = 0; at < 100; ++at) {
      std::string arena(at, '-');
      arena += literal + std::string(100 - at, '-');
      LiteralSearch search(literal);
      search.Run(arena);
      EXPECT_TRUE(search.In(0, arena.size())) << size << " at " << at;
      EXPECT_TRUE(search.In(at, size));
      EXPECT_FALSE(search.In(at + 1, arena.size() - at - 1));
      EXPECT_FALSE(search.In(0, at + size - 1));
    }
  }
}

TEST(LiteralSearch, OnlyTwoCharactersFoldToAsciiAndNoneToAnIdeograph) {
  for (char32_t point = 0x80; point < 0x20000; ++point) {
    bool surrogate = point >= 0xd800 && point < 0xe000;
    if (surrogate) continue;
    char32_t folded = model::FoldCase(point);
    if (folded != point) {
      EXPECT_FALSE(model::IsIdeograph(folded) || model::IsIdeograph(point)) << std::hex << uint32_t{point};
    }
    bool known = Encoded(point) == "\xe2\x84\xaa" || Encoded(point) == "\xc5\xbf";
    EXPECT_EQ(folded < 0x80, known) << std::hex << uint32_t{point};
  }
}

}  // namespace
}  // namespace rankscope::store
