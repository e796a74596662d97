#include "notify/text.h"

#include <gtest/gtest.h>

namespace rankscope::notify {
namespace {

TEST(Text, IsCutByBytesOnABorderOfCharacters) {
  EXPECT_EQ(CutBytes("loss", 4), "loss");
  EXPECT_EQ(CutBytes("损失爆炸", 12), "损失爆炸");
  EXPECT_EQ(CutBytes("损失爆炸", 11), "损失…");  // 8 bytes are left, and a character has 3
  EXPECT_EQ(CutBytes("损失", 5), "…");
  EXPECT_EQ(CutBytes("abc", 2), "");
  for (size_t most = 0; most < 40; ++most) {
    std::string cut = CutBytes("a损é😀b损é😀a损é😀", most);
    EXPECT_LE(cut.size(), most);
    EXPECT_EQ(CountRunes(cut), CountRunes(CutRunes(cut, 1000)));
  }
}

TEST(Text, IsCutByCharacters) {
  EXPECT_EQ(CutRunes("损失爆炸", 4), "损失爆炸");
  EXPECT_EQ(CutRunes("损失爆炸", 3), "损失…");
  EXPECT_EQ(CutRunes("abcd", 1), "…");
  EXPECT_EQ(CutRunes("abcd", 0), "");
}

TEST(Text, BytesThatAreNoUtf8AreCutOneByOne) {
  EXPECT_EQ(CountRunes("\xFF\xFE\xE6\x8D"), 4U);
  EXPECT_EQ(CutBytes("\xFF\xFF\xFF\xFF\xFF", 4), "\xFF…");
}

TEST(Text, CannotMentionPeopleInSlack) {
  EXPECT_EQ(EscapeAngles("<!channel> a & b <@U1>"), "&lt;!channel&gt; a &amp; b &lt;@U1&gt;");
}

TEST(Text, CannotMakeMarkdown) {
  EXPECT_EQ(EscapeMarkdown("[x](http://y) **b** <at id=all>"), "\\[x\\](http://y) \\*\\*b\\*\\* ‹at id=all›");
  EXPECT_EQ(EscapeMarkdown("@13800000000").find('@'), std::string::npos);
}

TEST(Text, IsOneLine) { EXPECT_EQ(OneLine("a\r\nBcc: x\tb"), "a  Bcc: x b"); }

}  // namespace
}  // namespace rankscope::notify
