#include "model/words.h"

#include <gtest/gtest.h>

#include <vector>

namespace rankscope::model {
namespace {

std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words;
  std::string room;
  ForEachFoldedWord(text, &room, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

std::string Fold(std::string_view text) {
  std::string folded;
  AppendFolded(text, &folded);
  return folded;
}

TEST(Words, AreRunsOfLettersDigitsAndUnderscores) {
  EXPECT_EQ(WordsOf("rank_3: ProcessGroupNCCL.cpp:821"),
            (std::vector<std::string>{"rank_3", "processgroupnccl", "cpp", "821"}));
  EXPECT_EQ(WordsOf("Größe, ОШИБКА — naïve"), (std::vector<std::string>{"größe", "ошибка", "naïve"}));
  EXPECT_TRUE(WordsOf("…—!⚠️").empty());
}

TEST(Words, FoldLikeAppendFoldedInEveryPlane) {
  // Longer when folded, no letter though it has two cases, beyond the first plane, the last digit of another script.
  for (const char* text : {"Ⱥx", "Ⓐ", "𐐀𐐨", "x٣"}) {
    std::string joined;
    for (const std::string& word : WordsOf(text)) joined += word;
    EXPECT_EQ(joined, std::string_view(text) == "Ⓐ" ? "" : Fold(text)) << text;
  }
}

TEST(Words, EachIdeographIsOne) {
  EXPECT_EQ(WordsOf("GPU显存 out"), (std::vector<std::string>{"gpu", "显", "存", "out"}));
  EXPECT_EQ(WordsOf("메모리가 부족"), (std::vector<std::string>{"메모리가", "부족"}));
}

TEST(Words, IdeographsThatWereTakenMayBeLeftOutAndStillPartOthers) {
  std::vector<std::string> words;
  std::string room;
  auto take = [&](std::string_view word) { words.emplace_back(word); };
  ForEachFoldedWord("a显b存\xe6\x98ㄱㄴ", &room, take, [](uint32_t number) { return number == IdeographNumber("显"); });
  EXPECT_EQ(words, (std::vector<std::string>{"a", "b", "存", "ㄱㄴ"}));
  EXPECT_EQ(IdeographNumber("メモ"), 0x30e1u);
  EXPECT_EQ(IdeographNumber("鿿"), 0x9fffu);
  for (const char* none : {"", "显" + 1, "a显", "ㄱ", "\xe6\x98", "\xe4\x41\x81", "가"})
    EXPECT_EQ(IdeographNumber(none), 0u) << none;
}

TEST(Words, BytesThatAreNotUtf8EndThem) {
  EXPECT_EQ(WordsOf("ab\xff\xfe"
                    "cd\xe6\x98"),
            (std::vector<std::string>{"ab", "cd"}));
  EXPECT_EQ(FirstCodePoint("\xed\xa0\x80").size, 1u) << "a surrogate";
  EXPECT_EQ(FirstCodePoint("\xc0\xaf").size, 1u) << "an overlong form";
}

TEST(Words, CaseFoldsOnePointForOne) {
  EXPECT_EQ(Fold("CUDA Ошибка ÄÖÜ Σς ſ"), "cuda ошибка äöü σσ s");
  EXPECT_EQ(Fold("\u212a"), "k") << "the Kelvin sign";
  EXPECT_EQ(Fold("Straße İ"), "straße İ");
  EXPECT_EQ(Fold("A\xff\xc3"), "a\xff\xc3");
}

TEST(HasPhrase, EndsAtBorders) {
  EXPECT_TRUE(HasPhrase("CUDA out of memory.", "out of memory"));
  EXPECT_FALSE(HasPhrase("out of memoryX", "out of memory"));
  EXPECT_FALSE(HasPhrase("größer", "gr"));
  EXPECT_TRUE(HasPhrase("xout out", "out")) << "a later occurrence";
  EXPECT_TRUE(HasPhrase("loss=3", "=3"));
}

TEST(HasPhrase, FindsIdeographsAnywhere) {
  EXPECT_TRUE(HasPhrase("错误:显存不足导致训练失败", "显存不足"));
  EXPECT_TRUE(HasPhrase("错误:显存不足导致训练失败", "不足"));
  EXPECT_FALSE(HasPhrase("显存不足", "显不"));
  EXPECT_TRUE(HasPhrase("显存GPU不足", "GPU"));
}

}  // namespace
}  // namespace rankscope::model
