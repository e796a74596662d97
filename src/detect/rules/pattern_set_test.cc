#include "detect/rules/pattern_set.h"

#include <gtest/gtest.h>

namespace rankscope::detect {
namespace {

PatternSet Of(const std::vector<std::string>& patterns) {
  PatternSet set;
  for (const std::string& pattern : patterns) EXPECT_TRUE(set.Add(pattern).ok()) << pattern;
  set.Compile();
  return set;
}

std::vector<int> Found(const PatternSet& set, std::string_view text) {
  std::vector<int> found;
  set.Match(text, &found);
  return found;
}

using Numbers = std::vector<int>;

TEST(PatternSet, FindsAllPatternsOfALine) {
  PatternSet set = Of({".*CUDA out of memory.*", "rank \\d+", "NCCL timeout", "(?i)cuda"});
  EXPECT_EQ(Found(set, "rank 3: CUDA out of memory. Tried"), (Numbers{0, 1, 3}));
  EXPECT_EQ(Found(set, "rank x: cuda"), Numbers{3});
  EXPECT_EQ(Found(set, ""), Numbers{});
}

TEST(PatternSet, SearchesAcrossTheLinesOfARecord) {
  PatternSet set = Of({".*Process .* hung for .* seconds.*", "^RuntimeError: .*$", "first.*third"});
  std::string record = "Traceback:\nfirst\nRuntimeError: boom\nthird";
  EXPECT_EQ(Found(set, record), (Numbers{1, 2}));
  EXPECT_EQ(set.LineOf(1, record), "RuntimeError: boom");
  EXPECT_EQ(set.LineOf(2, record), "Traceback:") << "no line has it by itself";
  EXPECT_EQ(Found(set, "a\nProcess 7 hung for 30 seconds\nb"), Numbers{0});
}

TEST(PatternSet, TriesPatternsWithoutAnyWordOnEveryLine) {
  PatternSet set = Of({"\\d+", "word"});
  EXPECT_EQ(set.unfiltered(), Numbers{0});
  EXPECT_EQ(Found(set, "17"), Numbers{0});
  EXPECT_EQ(Found(set, "a word"), Numbers{1});
}

TEST(PatternSet, FindsWordsThatAreNotAscii) {
  PatternSet set = Of({"显存不足", "(?i)Überlauf"});
  EXPECT_EQ(Found(set, "错误:显存不足"), Numbers{0});
  EXPECT_EQ(Found(set, "ein ÜBERLAUF"), Numbers{1});
  EXPECT_EQ(Found(set, " 40%|████      | 显存不足"), Numbers{0});
  EXPECT_EQ(Found(Of({"(?i)ошибка", "████"}), "|████| ОШИБКА"), (Numbers{0, 1}));
}

TEST(PatternSet, FindsAWordThatEndsInsideAnother) {
  PatternSet set = Of({"abcde", "bcd", "cde", "xbcx"});
  EXPECT_EQ(Found(set, "xabcdx"), Numbers{1});
  EXPECT_EQ(Found(set, "aabcde"), (Numbers{0, 1, 2}));
}

TEST(PatternSet, KnowsPatternsThatMatchTheEmptyLine) {
  PatternSet set = Of({"a*", "a+"});
  EXPECT_TRUE(set.MatchesEmpty(0));
  EXPECT_FALSE(set.MatchesEmpty(1));
}

TEST(PatternSet, GivesNamedGroups) {
  PatternSet set = Of({"ran for (?P<ran>\\d+) milliseconds"});
  EXPECT_EQ(set.Group(0, "ran", "it ran for 600096 milliseconds"), "600096");
  EXPECT_EQ(set.Group(0, "other", "it ran for 600096 milliseconds"), "");
}

TEST(PatternSet, RefusesWhatRe2DoesNotTake) {
  PatternSet set;
  auto wrong = set.Add("a(?=b)");
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.status().message().find("regex \"a(?=b)\": "), std::string::npos) << wrong.status().message();
  EXPECT_FALSE(set.Add("a)|(b").ok()) << "whatever is put around it";
}

TEST(PatternSet, FindsTheSameWhateverItsShortestWord) {
  PatternSet set(PatternSet::kShortWord);
  for (const char* pattern : {"OOM", "out of memory", "^ab$"}) ASSERT_TRUE(set.Add(pattern).ok());
  set.Compile();
  EXPECT_EQ(set.unfiltered(), Numbers{2});
  EXPECT_EQ(Found(set, "x\nab\nOOM"), (Numbers{0, 2}));
  EXPECT_EQ(Found(set, "out of memory"), Numbers{1});
}

}  // namespace
}  // namespace rankscope::detect
