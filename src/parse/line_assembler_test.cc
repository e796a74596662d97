#include "parse/line_assembler.h"

#include <gtest/gtest.h>

#include <vector>

namespace rankscope::parse {
namespace {

class LineAssemblerTest : public testing::Test {
 protected:
  void Feed(std::string_view bytes, base::TimeNs time = 0) {
    assembler_.Feed(time, bytes, [this](Line line) { Take(std::move(line)); });
  }
  void Flush() {
    assembler_.Flush([this](Line line) { Take(std::move(line)); });
  }
  void Take(Line line) {
    texts_.push_back(line.text);
    lines_.push_back(std::move(line));
  }
  LineAssembler assembler_;
  std::vector<std::string> texts_;
  std::vector<Line> lines_;
};

TEST_F(LineAssemblerTest, JoinsPartialWritesAndKeepsTheHalfLineOfAKill) {
  Feed("first li");
  EXPECT_TRUE(texts_.empty());
  EXPECT_EQ(assembler_.held_bytes(), 8u);
  Feed("ne\nsecond\r\nhalf");
  EXPECT_EQ(texts_, (std::vector<std::string>{"first line", "second"}));
  Flush();
  EXPECT_EQ(texts_.back(), "half");
  EXPECT_TRUE(lines_.back().partial);
  EXPECT_EQ(assembler_.held_bytes(), 0u);
}

TEST_F(LineAssemblerTest, ProgressBarsCollapseToOneStateASecond) {
  for (int i = 0; i < 1000; ++i) Feed("\r " + std::to_string(i) + "%", i * 10 * base::kNsPerMs);
  Feed("\r done\n", 20 * base::kNsPerSecond);
  EXPECT_GE(texts_.size(), 9u);
  EXPECT_LE(texts_.size(), 12u);
  EXPECT_EQ(texts_.back(), " done");
}

TEST_F(LineAssemblerTest, TracebackIsOneRecord) {
  Feed("before\nTraceback (most recent call last):\n  File \"t.py\", line 1, in <module>\n    main()\n");
  EXPECT_EQ(texts_.size(), 1u);
  Feed("KeyError: 'x'\nafter\n");
  ASSERT_EQ(texts_.size(), 3u);
  EXPECT_EQ(texts_[1],
            "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\n    main()\nKeyError: 'x'");
  EXPECT_EQ(texts_[2], "after");
}

TEST_F(LineAssemblerTest, TracebackUnderLaunchersPrefixesIsOneLine) {
  for (const char* prefix : {"[rank1]: ", "[default1]:", "[default1]:[rank3]: "}) {
    std::string p = prefix, traceback = p + "Traceback (most recent call last):\n" + p + "  File \"a.py\"\n" + p +
                                        "    x()\n" + p + "ValueError: 4711";
    texts_.clear();
    Feed(traceback + "\n" + p + "next\n");
    EXPECT_EQ(texts_, (std::vector<std::string>{traceback, p + "next"}));
  }
}

TEST_F(LineAssemblerTest, TracebackBehindABarThatNoNewlineEndedIsOneLine) {
  const std::string bar = " 8%|#   | 1/12 [00:00<00:01, 8.44it/s]";
  const std::string traceback =
      "[rank2]: Traceback (most recent call last):\n[rank2]:   File \"t.py\"\n[rank2]: KeyError: 'x'";
  Feed("\r" + bar + traceback + "\n");
  EXPECT_EQ(texts_, (std::vector<std::string>{bar, traceback}));
  EXPECT_EQ(assembler_.held_bytes(), 0u);
  texts_.clear();
  const std::string plain = "Traceback (most recent call last):\n  File \"t.py\"\nKeyError: 'x'";
  Feed("\r" + bar + plain + "\n");
  EXPECT_EQ(texts_, (std::vector<std::string>{bar, plain}));
}

TEST_F(LineAssemblerTest, LongLineIsCutAndNothingDropped) {
  std::string megabyte(1 << 20, 'x');
  Feed(megabyte + "end\n");
  std::string joined;
  for (const std::string& text : texts_) joined += text;
  EXPECT_EQ(joined, megabyte + "end");
  EXPECT_EQ(texts_.size(), 5u);
}

TEST_F(LineAssemblerTest, BinaryBytesAreKept) {
  std::string garbage("\x00\xff\xfe a\x01", 6);
  Feed(garbage + "\n");
  EXPECT_EQ(texts_[0], garbage);
}

TEST_F(LineAssemblerTest, EveryCutOfTheInputGivesTheSameLines) {
  std::string input = "a\nTraceback (most recent call last):\n  x\nE: 1\n\nb\r\nc";
  Feed(input);
  Flush();
  std::vector<std::string> whole = texts_;
  for (size_t cut = 1; cut < input.size(); ++cut) {
    texts_.clear();
    assembler_ = {};
    Feed(input.substr(0, cut));
    Feed(input.substr(cut));
    Flush();
    EXPECT_EQ(texts_, whole) << cut;
  }
}

}  // namespace
}  // namespace rankscope::parse
