#include "base/url.h"

#include <gtest/gtest.h>

namespace rankscope::base {
namespace {

TEST(UrlEncode, LeavesOnlyWhatMeansItselfAnywhere) {
  EXPECT_EQ(UrlEncode("Az09-_.~"), "Az09-_.~");
  EXPECT_EQ(UrlEncode("a b+c/d=e&f%"), "a%20b%2Bc%2Fd%3De%26f%25");
  EXPECT_EQ(UrlEncode("\xc3\xbc\n"), "%C3%BC%0A");
  EXPECT_EQ(UrlEncode(std::string_view("\0", 1)), "%00");
}

TEST(UrlDecode, GivesWhatWasEncoded) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(*UrlDecode(UrlEncode(all)), all);
  EXPECT_EQ(*UrlDecode("a%2fb+c"), "a/b+c");
}

TEST(UrlDecode, NamesWhatIsNoByte) {
  for (const char* wrong : {"%zz", "%", "%1", "%1g", "% 1", "%-1", "%00"}) {
    auto decoded = UrlDecode(std::string("50") + wrong);
    EXPECT_EQ(decoded.status().code(), Code::kInvalid) << wrong;
    EXPECT_NE(decoded.status().message().find("found \"" + std::string(wrong) + "\""), std::string::npos) << wrong;
  }
}

}  // namespace
}  // namespace rankscope::base
