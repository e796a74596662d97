#include "diagnose/case/record_case.h"

#include <gtest/gtest.h>

#include <map>

namespace rankscope::diagnose {
namespace {

TEST(RecordCase, RecordsBecomeLinesOfTheirRanks) {
  detect::PatternSet telling;
  telling.Compile();
  RecordCase records("job j-1", telling);
  records.Add(
      R"({"timestamp":"2026-11-01T00:00:00Z","node_rank":0,"rank":1,"msg":"[rank1]: Traceback\n  File \"x\""})");
  records.Add(R"({"timestamp":"2026-11-01T00:00:01.5Z","rank":2,"stream":"metric","step":7,"loss":2.5})");
  Case made = records.End();
  ASSERT_EQ(made.lines.size(), 3u);
  EXPECT_EQ(made.files[0].path, "job j-1");
  EXPECT_EQ(made.lines[0].text, "Traceback");
  EXPECT_EQ(made.lines[1].text, "  File \"x\"");
  EXPECT_EQ(made.lines[1].number, 1u);
  EXPECT_EQ(made.lines[1].rank, 1);
  EXPECT_EQ(made.lines[2].rank, 2);
  EXPECT_EQ(made.lines[2].time, 1'793'491'201'500'000'000);
  EXPECT_EQ(made.writers.size(), 2u);
  EXPECT_EQ(made.lines_read, 2u);
}

TEST(RecordCase, OfManyRecordsWhatTellsIsKept) {
  detect::PatternSet telling;
  ASSERT_TRUE(telling.Add("CUDA error").ok());
  telling.Compile();
  RecordCase records("job j-1", telling);
  for (int i = 0; i < 600'000; ++i) {
    bool odd = i == 500'000;
    records.Add(R"({"timestamp":"2026-11-01T00:00:00Z","rank":)" + std::to_string(i % 2) + R"(,"msg":")" +
                (odd ? "CUDA error" : "step " + std::to_string(i)) + "\"}");
  }
  Case made = records.End();
  EXPECT_EQ(made.lines_read, 600'000u);
  EXPECT_LT(made.lines.size(), 590'000u);
  EXPECT_TRUE(std::any_of(made.lines.begin(), made.lines.end(),
                          [](const Line& line) { return line.text == "CUDA error" && line.number == 500'001; }));
}

// A record of more than 1 kB, so that few are many.
std::string Report(int rank, int step) {
  return R"({"rank":)" + std::to_string(rank) + R"(,"step":)" + std::to_string(step) + R"(,"note":")" +
         std::string(1000, 'x') + "\"}";
}

TEST(RecordCase, OfALongRunEachRanksReportsStayAtEvenDistances) {
  detect::PatternSet telling;
  telling.Compile();
  RecordCase records("job j-1", telling);
  constexpr int kRanks = 8, kSteps = 8'000;
  for (int step = 0; step < kSteps; ++step) {
    for (int rank = 0; rank < kRanks; ++rank) records.Add(Report(rank, step));
  }
  Case made = records.End();
  std::map<int32_t, std::vector<uint64_t>> steps;
  for (const Line& line : made.lines) steps[*line.rank].push_back((line.number - 1) / kRanks);
  ASSERT_EQ(steps.size(), size_t{kRanks});
  for (const auto& [rank, kept] : steps) {
    EXPECT_GE(kept.size(), 64u);
    EXPECT_LE(kept.size(), 300u);
    EXPECT_EQ(kept.back(), kSteps - 1u);
    for (size_t i = 1; i < kept.size(); ++i) EXPECT_LE(kept[i] - kept[i - 1], 256u) << "rank " << rank;
  }
}

// Each names other figures than all before.
TEST(RecordCase, OfSeriesWithoutEndOnlySoManyAreKept) {
  detect::PatternSet telling;
  telling.Compile();
  RecordCase records("job j-1", telling);
  constexpr int kSeries = 60'000;
  for (int i = 0; i < kSeries; ++i) {
    records.Add("{\"rank\":0,\"figure_" + std::to_string(i) + "\":1,\"of\":\"" + std::string(1000, 'x') + "\"}");
  }
  EXPECT_LT(records.End().lines.size(), size_t{kSeries} * 3 / 4);  // 32 MiB are kept whole
}

TEST(RecordCase, WhatLayAroundTheJobIsAnotherFile) {
  detect::PatternSet telling;
  telling.Compile();
  RecordCase records("job j-1", telling);
  records.Add(R"({"rank":0,"msg":"a"})");
  records.BeginSurroundings("project p");
  records.Add(R"({"switch":"leaf-2","port":3,"errors":4})");
  Case made = records.End();
  ASSERT_EQ(made.files.size(), 2u);
  EXPECT_FALSE(made.files[0].surroundings);
  EXPECT_TRUE(made.files[1].surroundings);
  EXPECT_EQ(made.lines.at(1).file, 1u);
  EXPECT_EQ(made.lines[1].number, 1u);
}

}  // namespace
}  // namespace rankscope::diagnose
