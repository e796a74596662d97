#include "parse/line_assembler.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace rankscope::parse {
namespace {

constexpr char kPlain[] = "Traceback (most recent call last):\n  File \"t.py\", line 1\nValueError: 1";

class LineAssemblerTest : public testing::Test {
 protected:
  void Feed(std::string_view bytes, base::TimeNs time = 0) {
    assembler_.Feed(time, bytes, [this](Line line) { Take(std::move(line)); });
  }
  void Tick(base::TimeNs now) {
    assembler_.Tick(now, [this](Line line) { Take(std::move(line)); });
  }
  void Flush() {
    assembler_.Flush([this](Line line) { Take(std::move(line)); });
  }
  void Take(Line line) {
    texts_.push_back(line.text);
    lines_.push_back(std::move(line));
  }
  uint64_t HeldBytes() const {
    uint64_t bytes = 0;
    for (Span span : assembler_.held()) bytes += span.end - span.begin;
    return bytes;
  }
  LineAssembler assembler_;
  std::vector<std::string> texts_;
  std::vector<Line> lines_;
};

TEST_F(LineAssemblerTest, JoinsPartialWritesAndKeepsTheHalfLineOfAKill) {
  Feed("first li");
  EXPECT_TRUE(texts_.empty());
  EXPECT_EQ(HeldBytes(), 8u);
  Feed("ne\nsecond\r\nhalf");
  EXPECT_EQ(texts_, (std::vector<std::string>{"first line", "second"}));
  Flush();
  EXPECT_EQ(texts_.back(), "half");
  EXPECT_TRUE(lines_.back().partial);
  EXPECT_EQ(HeldBytes(), 0u);
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
  Feed("KeyError: 'x'\n");
  EXPECT_EQ(texts_.size(), 1u);
  Feed("after\n");
  ASSERT_EQ(texts_.size(), 3u);
  EXPECT_EQ(texts_[1],
            "Traceback (most recent call last):\n  File \"t.py\", line 1, in <module>\n    main()\nKeyError: 'x'");
  EXPECT_EQ(texts_[2], "after");
}

std::string Prefixed(std::string_view prefix, std::initializer_list<std::string_view> lines) {
  std::string text;
  for (std::string_view line : lines) {
    text.append(text.empty() ? "" : "\n").append(line.empty() ? "" : prefix).append(line);
  }
  return text;
}

TEST_F(LineAssemblerTest, TracebackUnderLaunchersPrefixesIsOneLine) {
  for (const char* prefix : {"[rank1]:", "[default1]:"}) {
    const std::string next = Prefixed(prefix, {"next"});
    const std::string traceback =
        Prefixed(prefix, {"Traceback (most recent call last):", "  File \"a.py\"", "    x()", "ValueError: 4711"});
    texts_.clear();
    Feed(Prefixed("", {traceback, next, ""}));
    Tick(2 * base::kNsPerSecond);
    EXPECT_EQ(texts_, (std::vector<std::string>{traceback, next}));
  }
}

TEST_F(LineAssemblerTest, WhatTorchPrefixesBelowAnExceptionIsItsMessage) {
  const std::string other = "[W1127 03:22:24 a.cc:1] next";
  for (const char* prefix : {"[rank1]: ", "[default1]:[rank3]: "}) {
    const std::string mine = Prefixed(prefix, {"mine"});
    const std::string traceback = Prefixed(prefix, {"Traceback (most recent call last):", "  File \"a.py\"",
                                                    "ValueError: 4711", "of these", "", "a note"});
    texts_.clear();
    Feed(Prefixed("", {traceback, other, mine, traceback, traceback, ""}));
    Tick(2 * base::kNsPerSecond);
    EXPECT_EQ(texts_, (std::vector<std::string>{traceback, other, mine, traceback, traceback}));
  }
}

TEST_F(LineAssemblerTest, WhatIsLoggedBehindACaughtTracebackIsNotItsMessageWhateverThePrefixOfAllLines) {
  const std::string traceback =
      "[rank0]: Traceback (most recent call last):\n[rank0]:   File \"a.py\", line 3, in f\n[rank0]: ValueError: no";
  for (const char* logged : {"[rank0]: step: 7 | loss: 2.5 | lr: 0.001", "[rank0]: INFO:train:going on",
                             "[rank0]: 2026-11-27 03:22:24,123 going on"}) {
    texts_.clear();
    Feed(traceback + "\n" + logged + "\n" + logged + "\n");
    Flush();
    EXPECT_EQ(texts_, (std::vector<std::string>{traceback, logged, logged}));
  }
}

TEST_F(LineAssemblerTest, TracebacksOfRanksThatComeLineByLineAreOneRecordEach) {
  for (const auto& [first, other] :
       std::initializer_list<std::pair<const char*, const char*>>{{"[rank0]: ", "[rank1]: "},
                                                                  {"[default0]:", "[default1]:"},
                                                                  {"[default0]:[rank0]: ", "[default1]:[rank1]: "},
                                                                  {" 7: ", "12: "},
                                                                  {"worker-1: ", "worker-2: "},
                                                                  {"trainer-1  | ", "trainer-2  | "}}) {
    const std::vector<const char*> lines = {"Traceback (most recent call last):",
                                            "  File \"a.py\", line 3, in f",
                                            "    g()",
                                            "KeyError: 'ids'",
                                            "    of these",
                                            "During handling of the above exception, another exception occurred:",
                                            "Traceback (most recent call last):",
                                            "  File \"a.py\", line 5, in f",
                                            "ValueError: 4711"};
    std::string fed, whole[2];
    for (const char* line : lines) {
      const char* prefixes[] = {first, other};
      for (int rank : {0, 1}) {
        const std::string prefixed = std::string(prefixes[rank]) + line;
        fed += prefixed + "\n";
        whole[rank] += (whole[rank].empty() ? "" : "\n") + prefixed;
      }
    }
    texts_.clear();
    Feed(fed);
    EXPECT_EQ(HeldBytes(), fed.size());
    Flush();
    EXPECT_EQ(texts_, (std::vector<std::string>{whole[0], whole[1]}));
    EXPECT_EQ(HeldBytes(), 0u);
  }
}

TEST_F(LineAssemblerTest, ATracebackThatIsOverDoesNotWaitForTheOneThatBeganBeforeIt) {
  const std::string before = "before\n3: Traceback (most recent call last):\n";
  const std::string over = "4: Traceback (most recent call last):\n4:   File \"a.py\"\n4: KeyError: 'ids'\n";
  const std::string rest = "3:   File \"a.py\"\n";
  Feed(before + over + rest);
  Tick(base::kNsPerSecond / 2);
  EXPECT_EQ(texts_, (std::vector<std::string>{"before", over.substr(0, over.size() - 1)}));
  const uint64_t first = before.size() + over.size();
  EXPECT_EQ(assembler_.held(), (std::vector<Span>{{7, before.size()}, {first, first + rest.size()}}));
  Tick(2 * base::kNsPerSecond);
  EXPECT_EQ(HeldBytes(), 0u);
  EXPECT_EQ(texts_.size(), 3u);
}

TEST_F(LineAssemblerTest, WhatOthersPrintAmidATracebackIsNotItsException) {
  const std::vector<std::string> lines = {"[rank2]: Traceback (most recent call last):",
                                          "W1127 14:05:02 api.py:9] closing",
                                          "[rank2]:   File \"a.py\"",
                                          "[default1]:step: 7 loss: 2.5",
                                          "[rank2]: KeyError: 'ids'",
                                          "step: 8"};
  for (const std::string& line : lines) Feed(line + "\n");
  EXPECT_EQ(texts_,
            (std::vector<std::string>{lines[1], lines[3], lines[0] + "\n" + lines[2] + "\n" + lines[4], lines[5]}));
}

TEST_F(LineAssemblerTest, PrefixOfALoggerBeforeTheHeadAloneIsNoOnes) {
  const std::string whole = std::string("[rank1]: ") + kPlain;
  Feed(whole + "\nstep 8\n");
  Flush();
  EXPECT_EQ(texts_, (std::vector<std::string>{whole, "step 8"}));
}

TEST_F(LineAssemblerTest, LinesOfATaskBehindItsExceptionAreNotItsMessage) {
  Feed("3: Traceback (most recent call last):\n3:   File \"a.py\"\n3: KeyError: 'ids'\n3: going on\n");
  Flush();
  EXPECT_EQ(texts_.back(), "3: going on");
  EXPECT_EQ(texts_.size(), 2u);
}

TEST_F(LineAssemblerTest, RanksThatGoOnDoNotWaitForAnotherOnesTraceback) {
  Feed("[default0]:Traceback (most recent call last):\n[default0]:  File \"a.py\"\n");
  for (int step = 0; step < 2000; ++step) Feed("[default1]:step " + std::to_string(step) + "\n");
  EXPECT_EQ(texts_.size(), 2000u);
  Tick(2 * base::kNsPerSecond);
  EXPECT_EQ(texts_.size(), 2001u);
}

TEST_F(LineAssemblerTest, WhatIsHeldNeverLiesFarBack) {
  Feed("[default0]:Traceback (most recent call last):\n");
  for (int step = 0; step < 2000; ++step) Feed("[default1]:" + std::string(100, 'x') + "\n");
  EXPECT_EQ(HeldBytes(), 0u);
}

TEST_F(LineAssemblerTest, ABarBehindATracebackThatWaitsIsNotToldBeforeIt) {
  const std::string fed = std::string(kPlain) + "\n\r 1%\r 2%";
  Feed(fed, 2 * base::kNsPerSecond);
  EXPECT_EQ(HeldBytes(), fed.size());
  Tick(4 * base::kNsPerSecond);
  EXPECT_EQ(texts_, (std::vector<std::string>{kPlain, " 1%"}));
}

TEST_F(LineAssemblerTest, EachBarOfRanksThatShareAStreamKeepsItsLastState) {
  const std::string first = "rank 0:  16%|##  | 2/12, loss=nan]", other = "rank 1: 100%|####| 12/12, loss=0.41]";
  Feed("\rrank 0:   8%|#   | 1/12, loss=0.52]\rrank 1:   8%|#   | 1/12, loss=0.47]\r" + first + "\r" + other + "\r");
  Tick(base::kNsPerSecond);
  EXPECT_EQ(texts_, (std::vector<std::string>{first, other}));
  Feed(first + "\r" + other + "\n", 2 * base::kNsPerSecond);
  EXPECT_EQ(texts_, (std::vector<std::string>{first, other, first, other}));
}

TEST_F(LineAssemblerTest, TracebackBehindABarThatNoNewlineEndedIsOneLine) {
  const std::string bar = " 8%|#   | 1/12 [00:00<00:01, 8.44it/s]";
  const std::string traceback =
      "[rank2]: Traceback (most recent call last):\n[rank2]:   File \"t.py\"\n[rank2]: KeyError: 'x'";
  Feed("\r" + bar + traceback + "\n");
  EXPECT_EQ(HeldBytes(), traceback.size() + 1) << "the bar is told";
  Flush();
  EXPECT_EQ(texts_, (std::vector<std::string>{bar, traceback}));
  EXPECT_EQ(HeldBytes(), 0u);
  texts_.clear();
  const std::string plain = "Traceback (most recent call last):\n  File \"t.py\"\nKeyError: 'x'";
  Feed("\r" + bar + plain + "\n");
  Flush();
  EXPECT_EQ(texts_, (std::vector<std::string>{bar, plain}));
}

TEST_F(LineAssemblerTest, ChainedTracebacksAreOneRecord) {
  const std::string plain = kPlain;
  for (const char* link : {"The above exception was the direct cause of the following exception:",
                           "During handling of the above exception, another exception occurred:"}) {
    texts_.clear();
    const std::string chain = Prefixed("", {plain, "", link, "", plain});
    Feed(chain + "\n");
    EXPECT_EQ(HeldBytes(), chain.size() + 1);
    Tick(2 * base::kNsPerSecond);
    EXPECT_EQ(texts_, std::vector<std::string>{chain});
    EXPECT_EQ(HeldBytes(), 0u);
  }
}

TEST_F(LineAssemblerTest, ExceptionGroupIsOneRecord) {
  const std::string group =
      "  + Exception Group Traceback (most recent call last):\n  |   File \"t.py\", line 1\n"
      "  | ExceptionGroup: two (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n"
      "    | Traceback (most recent call last):\n    |   File \"t.py\", line 2\n    | ValueError: 1\n"
      "    +---------------- 2 ----------------\n    | TypeError: 2\n    +------------------------------------";
  const std::string chained =
      std::string(kPlain) + "\n\nDuring handling of the above exception, another exception occurred:\n\n" + group;
  for (const std::string& whole : {group, chained}) {
    texts_.clear();
    Feed(whole + "\nafter\n");
    Tick(2 * base::kNsPerSecond);
    EXPECT_EQ(texts_, (std::vector<std::string>{whole, "after"}));
  }
}

TEST_F(LineAssemblerTest, MessageOfSeveralLinesStaysWithItsTraceback) {
  for (const char* further : {"\tMissing key(s) in state_dict: \"a\".\n\tUnexpected key(s) in state_dict: \"b\".",
                              "CUDA kernel errors might be asynchronously reported at some other API call.\n"
                              "For debugging consider passing CUDA_LAUNCH_BLOCKING=1\n"
                              "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions."}) {
    texts_.clear();
    const std::string whole = std::string(kPlain) + "\n" + further;
    Feed(whole + "\nstep 8\n");
    Tick(2 * base::kNsPerSecond);
    EXPECT_EQ(texts_, (std::vector<std::string>{whole, "step 8"}));
  }
}

TEST_F(LineAssemblerTest, TracebacksOfOtherMakersAreOneRecord) {
  const std::string other = "Traceback (most recent call last):\n  File \"w.py\", line 7, in work\nKeyError: 'ids'";
  for (const std::string& whole :
       {std::string("  File \"t.py\", line 4\n    def f(\n         ^\nSyntaxError: '(' was never closed"),
        std::string("\x1b[31m╭─────\x1b[0m \x1b[1mTraceback (most recent call last)\x1b[0m ─────╮\n"
                    "\x1b[31m│\x1b[0m t.py:3 in <module>     │\n\x1b[31m╰──────────╯\x1b[0m\nKeyError: 'ids'"),
        std::string("+-------- Traceback (most recent call last) --------+\n| t.py:3 in <module>     |\n"
                    "+------------+\nKeyError: 'ids'"),
        std::string(
            "Traceback (most recent call last):\n\n> File \"t.py\", line 8, in <module>\n    f()\n    └ <function f>"
            "\n\nKeyError: 'ids'"),
        std::string(kPlain) + "\nOriginal " + other,
        other +
            "\n\"\"\"\n\nThe above exception was the direct cause of the "
            "following exception:\n\n" +
            kPlain,
        std::string(kPlain) + "\nException raised from f at a.cpp:7 (most recent call first):\nframe #0: f() + 0x2a",
        std::string(kPlain) + "\n  Explanation: it broke\n\n  Hint: mend it"}) {
    texts_.clear();
    Feed("before\n" + whole + "\nstep 8\n");
    Flush();
    EXPECT_EQ(texts_, (std::vector<std::string>{"before", whole, "step 8"}));
  }
}

TEST_F(LineAssemblerTest, ABarBelowACaughtExceptionIsNotItsMessage) {
  const std::string bar = "  8%|#   | 1/12 [00:00<00:01, 8.44it/s]";
  Feed(std::string(kPlain) + "\n" + bar + "\n");
  Flush();
  EXPECT_EQ(texts_, (std::vector<std::string>{kPlain, bar}));
}

TEST_F(LineAssemblerTest, WhatOnlyLooksLikeAHeadIsALine) {
  for (const char* line : {"  File \"t.py\", line 4, in f", "| a | Traceback (most recent call last) |", "+------+",
                           "╭──────╮", "seen: Traceback (most recent call last) "}) {
    texts_.clear();
    Feed(std::string(line) + "\nnext\n");
    EXPECT_EQ(texts_, (std::vector<std::string>{line, "next"}));
  }
}

TEST_F(LineAssemblerTest, TracebackThatWasCaughtWaitsForFewLinesOnly) {
  std::vector<std::string> expected = {kPlain};
  Feed(std::string(kPlain) + "\n");
  for (int step = 0; step < 20; ++step) {
    expected.push_back("step " + std::to_string(step));
    Feed(expected.back() + "\n");
  }
  EXPECT_EQ(texts_, expected);
}

TEST_F(LineAssemblerTest, TwoTracebacksInARowAreTwo) {
  Feed(std::string(kPlain) + "\n" + kPlain + "\n");
  Flush();
  EXPECT_EQ(texts_, (std::vector<std::string>{kPlain, kPlain}));
}

TEST_F(LineAssemblerTest, StateOfABarHasTheTimeWhenItWasShown) {
  Feed("\r 1%", base::kNsPerSecond);
  Feed("\r 2%", base::kNsPerSecond * 3 / 2);
  Feed("\r 3%", base::kNsPerSecond * 19 / 10);
  Feed("\r 4%", base::kNsPerSecond * 2);
  Feed("\r 5%", base::kNsPerSecond * 3);
  Feed("\n", base::kNsPerSecond * 4);
  ASSERT_EQ(texts_, (std::vector<std::string>{" 1%", " 4%", " 5%"}));
  EXPECT_EQ(lines_[0].time, base::kNsPerSecond);
  EXPECT_EQ(lines_[1].time, base::kNsPerSecond * 2);
  EXPECT_EQ(lines_[2].time, base::kNsPerSecond * 3);
}

TEST_F(LineAssemblerTest, BarThatEndsItsStatesWithTheReturnHasTheirTimes) {
  Feed("1%\r", base::kNsPerSecond);
  Feed("2%\r", base::kNsPerSecond * 3 / 2);
  Feed("3%\r", base::kNsPerSecond * 2);
  Feed("4%\r\n", base::kNsPerSecond * 3);
  ASSERT_EQ(texts_, (std::vector<std::string>{"1%", "3%", "4%"}));
  EXPECT_EQ(lines_[0].time, base::kNsPerSecond);
  EXPECT_EQ(lines_[1].time, base::kNsPerSecond * 2);
  EXPECT_EQ(lines_[2].time, base::kNsPerSecond * 3);
}

TEST_F(LineAssemblerTest, LongLineIsCutAndNothingDropped) {
  std::string megabyte(1 << 20, 'x');
  Feed(megabyte + "end\n");
  std::string joined;
  for (const std::string& text : texts_) joined += text;
  EXPECT_EQ(joined, megabyte + "end");
  EXPECT_EQ(texts_.size(), 5u);
}

TEST_F(LineAssemblerTest, PartsOfALongLineAreNumbered) {
  const std::string full(LineAssembler::kMaxLineBytes, 'x');
  Feed(full + full + "end\nwhole\n" + full);
  Feed("\n" + full + "y");
  Flush();
  Feed("z\n");
  std::vector<std::pair<uint32_t, uint32_t>> parts;
  for (const Line& line : lines_) parts.emplace_back(line.part, line.parts);
  EXPECT_EQ(parts, (std::vector<std::pair<uint32_t, uint32_t>>{
                       {1, 0}, {2, 0}, {3, 3}, {0, 0}, {0, 0}, {1, 0}, {2, 2}, {0, 0}}));
  EXPECT_EQ(texts_[4], full) << "a line of just so many bytes is whole";
}

TEST_F(LineAssemblerTest, LongMessageOfATracebackIsGoneOnWith) {
  Feed("Traceback (most recent call last):\n  x\nE: " + std::string(LineAssembler::kMaxLineBytes, 'x') + "\n");
  Flush();
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_EQ(lines_[0].part, 1u);
  EXPECT_EQ(std::pair(lines_[1].part, lines_[1].parts), std::pair(2u, 2u));
}

TEST_F(LineAssemblerTest, PartsAreNumberedOnByWhoGoesOn) {
  const std::string full(LineAssembler::kMaxLineBytes, 'x');
  Feed(full + "yy");
  EXPECT_EQ(assembler_.parts_out(), 1u);
  assembler_ = LineAssembler(0, assembler_.parts_out());
  Feed("yyy\n");
  EXPECT_EQ(std::pair(lines_[1].part, lines_[1].parts), std::pair(2u, 2u));
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
