#include "parse/traceback_lines.h"

#include <gtest/gtest.h>

#include <string>

namespace rankscope::parse {
namespace {

TEST(LastWordsOf, AreTheExceptionsOwnLineWhereItsMessageFollows) {
  const std::string head = "Traceback (most recent call last):\n";
  for (const char* prefix : {"", "[rank2]: "}) {
    const std::string p = prefix, exception = p + "RuntimeError: bad batch";
    const std::string frames = p + "  File \"t.py\", line 4, in f\n" + p + "    f()\n" + p + "    ^^^\n";
    const std::string further = p.empty() ? "\n\tof these\n\n" : "\n" + p + "of these\n\n" + p + "a note\n";
    EXPECT_EQ(LastWordsOf("step 3\n" + p + head + frames + exception + further), exception);
    EXPECT_EQ(LastWordsOf(frames + exception + further), exception) << "cut at its beginning";
    EXPECT_EQ(LastWordsOf(p + head + frames + p + "KeyError: 1\n\n" + p +
                          "During handling of the above exception, another\n" + "\n" + p + head + frames + exception),
              exception);
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
