#include "cli/line_printer.h"

#include <gtest/gtest.h>

namespace rankscope::cli {
namespace {

TEST(LinePrinter, PrefixesEveryLineOfARecordWithNodeRankAndLevel) {
  LinePrinter printer({});
  EXPECT_EQ(printer.Render(R"({"node_rank":1,"rank":7,"level":"error","msg":"Traceback\nKeyError"})"),
            "[1/7] E Traceback\n[1/7] E KeyError\n");
  EXPECT_EQ(printer.Render(R"({"msg":"launcher"})"), "[-/-] I launcher\n");
}

TEST(LinePrinter, ShowsControlCharactersInsteadOfObeyingThem) {
  LinePrinter printer({});
  EXPECT_EQ(printer.Render(R"({"rank":0,"msg":"a\u001b]0;title\u0007\u001b[2Jb\u001b[32mgreen"})"),
            "[-/0] I a\\x1b]0;title\\x07bgreen\n");
}

TEST(LinePrinter, LeavesOutWhatMovesTheCursorAndKeepsColoursOnATerminal) {
  const char* bar = R"({"rank":0,"msg":"\u001b[2K\u001b[1A\u001b[?25l\u001b[32m50%\u001b[0m\u001b["})";
  EXPECT_EQ(LinePrinter({}).Render(bar), "[-/0] I 50%\\x1b[\n");
  LinePrinter coloured({.color = true, .highlights = {}, .show_time = false});
  EXPECT_NE(coloured.Render(bar).find(" \x1b[32m50%\x1b[0m\\x1b[\n"), std::string::npos) << coloured.Render(bar);
}

TEST(LinePrinter, ShowsAnEmptyLineAsEmpty) {
  LinePrinter printer({});
  EXPECT_EQ(printer.Render(R"({"rank":0,"stream":"stdout","msg":""})"), "[-/0] I \n");
  EXPECT_EQ(printer.Render(R"({"rank":0,"stream":"metric","msg":""})"), "[-/0] I \n");
}

TEST(LinePrinter, NeverColoursASourceRed) {
  LinePrinter printer({.color = true, .highlights = {}, .show_time = false});
  for (int rank = 0; rank < 64; ++rank) {
    std::string line = printer.Render("{\"rank\":" + std::to_string(rank) + ",\"msg\":\"x\"}");
    for (const char* red : {"38;5;1m", "38;5;9m", "38;5;160m", "38;5;196m", "[31m"}) {
      EXPECT_EQ(line.find(red), std::string::npos);
    }
  }
}

TEST(LinePrinter, ShowsTheFieldsOfAMetricRecord) {
  LinePrinter printer({});
  EXPECT_EQ(printer.Render(R"({"rank":0,"stream":"metric","step":3,"loss":2.5})"), "[-/0] I step=3 loss=2.5\n");
  EXPECT_EQ(printer.Render(R"({"rank":0,"loss":1.4492871285364672,"loss_min":1.0,"loss_max":9.5,"loss_mean":2.25,)"
                           R"("lr":0.001,"lr_min":0.001,"lr_max":0.001,"tokens":1234567.25})"),
            "[-/0] I loss=1.44929 [1, 9.5] lr=0.001 tokens=1234567\n");
}

}  // namespace
}  // namespace rankscope::cli
