#include "store/scan/text_term.h"

#include <gtest/gtest.h>

#include <string>

#include "store/texts/word_filter.h"

namespace rankscope::store {
namespace {

using model::Filter;

bool MayBeAmong(const Filter& filter, const std::string& text) {
  WordFilter words;
  words.AddWords(text);
  auto term = TextTerm::Make(filter);
  EXPECT_TRUE(term.ok()) << filter.text;
  return term.ok() && (*term)->MayBeAmong(words.Take());
}

bool RegexMayBeAmong(const std::string& regex, const std::string& text) {
  return MayBeAmong(Filter::Text(Filter::Kind::kRegex, "msg", regex, /*case_sensitive=*/true), text);
}

TEST(TextTerm, APhraseNeedsEachOfItsWordsAndASubstringThoseWithBothBorders) {
  auto phrase = Filter::Text(Filter::Kind::kPhrase, "msg", "Ring is broken", /*case_sensitive=*/false);
  EXPECT_TRUE(MayBeAmong(phrase, "broken is the RING"));
  EXPECT_FALSE(MayBeAmong(phrase, "the ring is brokenness"));
  auto substring = Filter::Text(Filter::Kind::kSubstring, "msg", "ing is bro", /*case_sensitive=*/false);
  EXPECT_TRUE(MayBeAmong(substring, "the ring is brokenness"));
  EXPECT_FALSE(MayBeAmong(substring, "the ring was broken"));
}

TEST(TextTerm, ARegexNeedsTheWordsOfWhatItCannotDoWithout) {
  const std::string regex = "shard [0-9]+ of node [a-z]+ is gone( for good)?";
  EXPECT_TRUE(RegexMayBeAmong(regex, "shard 7 of node b is gone"));
  EXPECT_TRUE(RegexMayBeAmong(regex, "is node of what")) << "words at the ends of a literal may be parts of others";
  EXPECT_FALSE(RegexMayBeAmong(regex, "shard 7 of b is gone"));
  EXPECT_FALSE(RegexMayBeAmong(regex, "shard 7 of node b was gone for good"));
}

TEST(TextTerm, ARegexNeedsTheWordsOfOneOfItsAlternatives) {
  const std::string regex = "(lost its peer at|saw its link down at) [0-9]+";
  EXPECT_TRUE(RegexMayBeAmong(regex, "lost its peer at 7"));
  EXPECT_TRUE(RegexMayBeAmong(regex, "saw its link down at 7"));
  EXPECT_FALSE(RegexMayBeAmong(regex, "lost its link at 7"));
}

TEST(TextTerm, ARegexOfOtherLettersOrNoneNeedsNoWords) {
  EXPECT_TRUE(RegexMayBeAmong("[0-9]+", "none here"));
  EXPECT_TRUE(RegexMayBeAmong("显存 不足 了[0-9]", "none here"));
}

}  // namespace
}  // namespace rankscope::store
