#include "access/token.h"

#include <gtest/gtest.h>

namespace rankscope::access {
namespace {

TEST(Token, TextNamesItsIdAndKeepsOnlyTheHashOfItsSecret) {
  IssuedToken issued = IssueToken(Role::kWriter, "llm", "node agents", 5);
  auto parts = ParseToken(issued.text);
  ASSERT_TRUE(parts.ok()) << parts.status().message();
  EXPECT_EQ(parts->id, issued.token.id);
  EXPECT_EQ(HashSecret(parts->secret), issued.token.hash);
  EXPECT_EQ(issued.text.rfind("rankscope_writer_", 0), 0u);
  EXPECT_NE(IssueToken(Role::kWriter, "llm", "", 5).text, issued.text);
}

TEST(Token, EachChangedCharacterIsSaidAsMistyped) {
  std::string text = IssueToken(Role::kAdmin, "llm", "", 5).text;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string wrong = text;
    wrong[i] = wrong[i] == 'x' ? 'y' : 'x';
    auto parts = ParseToken(wrong);
    ASSERT_FALSE(parts.ok()) << i;
    EXPECT_EQ(parts.status().message().find(wrong), std::string::npos) << "a secret in a message";
  }
  EXPECT_FALSE(ParseToken(text.substr(0, text.size() - 1)).ok());
  EXPECT_FALSE(ParseToken("").ok());
  EXPECT_FALSE(ParseToken("rankscope_").ok());
}

TEST(Token, HashIsSha256) {
  EXPECT_EQ(HashSecret("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_TRUE(SameHash("ab", "ab"));
  EXPECT_FALSE(SameHash("ab", "ac"));
  EXPECT_FALSE(SameHash("ab", "abc"));
}

TEST(Role, ProjectNamesCannotLeaveTheirFolder) {
  for (const char* name : {"default", "llm-7b_x", "0"}) EXPECT_TRUE(CheckProjectName(name).ok()) << name;
  for (const char* name : {"", "..", "a/b", "A", "-a", "a b", "a.b"}) EXPECT_FALSE(CheckProjectName(name).ok()) << name;
  EXPECT_FALSE(CheckProjectName(std::string(64, 'a')).ok());
}

}  // namespace
}  // namespace rankscope::access
