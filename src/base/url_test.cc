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

}  // namespace
}  // namespace rankscope::base
