#include "parse/traceback_lines.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace rankscope::parse {
namespace {

constexpr std::string_view kHead = "Traceback (most recent call last):";

// The lines, with the prefix before each that is not empty.
std::string Text(std::string_view prefix, std::initializer_list<std::string_view> lines) {
  std::string text;
  for (std::string_view line : lines) text.append(line.empty() ? "" : prefix).append(line).append("\n");
  return text;
}

TEST(LastWordsOf, AreTheExceptionsOwnLineWhereItsMessageFollows) {
  constexpr std::string_view kFile = "  File \"t.py\", line 4, in f", kCode = "    f()",
                             kError = "RuntimeError: bad batch";
  EXPECT_EQ(LastWordsOf(Text("", {"step 3", kHead, kFile, kCode, kError, "\tof these", ""})), kError);
  EXPECT_EQ(LastWordsOf(Text("", {kFile, kCode, kError})), kError) << "cut at its beginning";
  for (const char* prefix : {"[rank2]: ", "[default2]:[rank2]: "}) {
    const std::string error = std::string(prefix).append(kError);
    EXPECT_EQ(LastWordsOf(Text(prefix, {kHead, kFile, kCode, kError, "of these", "", "a note"})), error);
    EXPECT_EQ(LastWordsOf(Text(prefix, {kHead, kFile, kCode, "KeyError: 1", "",
                                        "During handling of the above exception, x", "", kHead, kFile, kCode, kError})),
              error);
  }
}

TEST(LastWordsOf, AreTheLastLineWhereNoExceptionIsTheEnd) {
  const std::string caught = "Traceback (most recent call last):\n  File \"t.py\", line 4\nKeyError: 1\n";
  EXPECT_EQ(LastWordsOf(caught + "step 3\nstep 4\n\n"), "step 4");
  EXPECT_EQ(LastWordsOf("one\r\ntwo\r\n"), "two");
  EXPECT_EQ(LastWordsOf("half"), "half");
  EXPECT_EQ(LastWordsOf("Traceback (most recent call last):\n  File \"t.py\", line 4, in f"),
            "  File \"t.py\", line 4, in f");
  EXPECT_EQ(LastWordsOf("\n\n"), "");
}

}  // namespace
}  // namespace rankscope::parse
