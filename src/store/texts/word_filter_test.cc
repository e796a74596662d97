#include "store/texts/word_filter.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/coding.h"
#include "model/words.h"

namespace rankscope::store {
namespace {

// What the filter is to hold, word by word.
std::string FilterOf(const std::vector<std::string>& texts) {
  WordFilter filter;
  std::string room;
  for (const std::string& text : texts) {
    model::ForEachFoldedWord(text, &room, [&](std::string_view word) { filter.AddId(word); });
  }
  return filter.Take();
}

TEST(WordFilter, HasTheFoldedWordsOfTextsOfAllLengthsAndNoOthers) {
  std::mt19937 random(31);
  const std::vector<std::string> parts = {"A", "z", "@", "[",    "`",    "{", "_",  "9",
                                          "/", ":", " ", "Rank", "CUDA", "Ä", "度", "\xff"};
  for (int round = 0; round < 400; ++round) {
    std::vector<std::string> texts(1 + random() % 40);
    for (std::string& text : texts) {
      size_t letters = random() % 3 == 0 ? 16 : 3;  // words of some bytes, and of 16, 17 and more
      for (auto left = random() % 90; left > 0; --left)
        text += parts[random() % (random() % letters ? 2 : parts.size())];
    }
    WordFilter filter;
    for (const std::string& text : texts) filter.AddWords(text);
    EXPECT_EQ(filter.Take(), FilterOf(texts));
  }
}

TEST(WordFilter, TextsOneAfterTheOtherMakeNoWordTogether) {
  WordFilter filter;
  filter.AddWords("check");
  filter.AddWords("point");
  std::string held = filter.Take();
  EXPECT_EQ(held, FilterOf({"check", "point"}));
  EXPECT_NE(held, FilterOf({"checkpoint"}));
}

TEST(WordFilter, TellsWhetherATextHadAnEscape) {
  WordFilter words;
  for (int i = 0; i < 3000; ++i) words.AddWords("loss 0.5");
  EXPECT_FALSE(words.saw_escape());
  words.AddWords("a \x1b[31mred\x1b[0m word");
  words.AddWords("loss");
  EXPECT_TRUE(words.saw_escape());
  EXPECT_TRUE(WordFilter::MayHoldAll(words.Take(), WordFilter::HashesOf("word loss 5")));
  words.AddWords("loss");
  EXPECT_FALSE(words.saw_escape()) << "of the next block";
}

TEST(WordFilter, HasAsManyWordsAsAreAdded) {
  WordFilter filter;
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i) texts.push_back("Shard" + std::to_string(i * 7919) + " of epoch_" + std::to_string(i));
  for (const std::string& text : texts) filter.AddWords(text);
  std::string held = filter.Take();
  EXPECT_EQ(held, FilterOf(texts));
  for (const std::string& text : texts) EXPECT_TRUE(WordFilter::MayHoldAll(held, WordFilter::HashesOf(text))) << text;
  EXPECT_EQ(filter.Take(), "") << "of the next block";
}

}  // namespace
}  // namespace rankscope::store
