#include <gtest/gtest.h>

#include <map>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

std::string Report(int step, double held) {
  return "step " + std::to_string(step) + " loss 2.5 gpu_memory_gib " + std::to_string(held) + "\n";
}

std::string Caught(const std::string& size) {
  return "out of memory in the forward pass, this batch is left out\n" +
         Traceback("/app/model.py", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate " + size +
                                        " GiB. GPU 3 has a total capacity of 79.11 GiB of which 1.25 GiB is free.");
}

// What four ranks print of 60 steps, each into a file of its own, and rank 3 besides after some of them.
Files Ranks(const std::map<int, std::string>& besides) {
  Files files;
  for (int rank = 0; rank < 4; ++rank) {
    std::string text;
    for (int step = 1; step <= 60; ++step) {
      text += Report(step, 50 + (rank == 3 ? 0.25 * step : 0));
      auto found = rank == 3 ? besides.find(step) : besides.end();
      if (found != besides.end()) text += found->second;
    }
    files.emplace_back("rank_" + std::to_string(rank) + ".log", text);
  }
  return files;
}

bool Tells(const Verdict& verdict, const std::string& figure) {
  return std::count(verdict.figures.begin(), verdict.figures.end(), figure) == 1;
}

TEST(OutlivedMemory, IsToldOfAHealthyJobWithTheMemoryBeforeAndAfter) {
  Verdict verdict = Judge(Ranks({{40, Caught("9.50")}}));
  EXPECT_TRUE(verdict.healthy);
  EXPECT_EQ(verdict.failure, "none");
  EXPECT_NE(verdict.summary.find("rank 3 ran out of GPU memory after step 40 and went on"), std::string::npos)
      << verdict.summary;
  EXPECT_TRUE(Tells(verdict, "asked for 9.50 GiB"));
  EXPECT_TRUE(Tells(verdict, "1.25 GiB of 79.11 GiB were free"));
  EXPECT_TRUE(Tells(verdict, "after it memory went from 60.25 to 65.00 GiB in 20 reports"));
  ASSERT_FALSE(verdict.evidence.empty());
  EXPECT_EQ(verdict.evidence.front().rank, 3);
  EXPECT_EQ(verdict.evidence.front().line_number, 47U);
}

TEST(OutlivedMemory, OfSeveralTimesSaysWhetherTheRequestsGrow) {
  const Verdict grow = Judge(Ranks({{10, Caught("2.00")}, {20, Caught("4.00")}, {30, Caught("6.00")}}));
  const std::string thrice = "rank 3 ran out of GPU memory 3 times after steps 10, 20, 30, ";
  EXPECT_TRUE(Tells(grow, thrice + "each time for more: from 2.00 to 6.00 GiB, and went on"));
  const Verdict vary = Judge(Ranks({{10, Caught("4.00")}, {20, Caught("2.00")}, {30, Caught("6.00")}}));
  EXPECT_TRUE(Tells(vary, thrice + "for 2.00 to 6.00 GiB, and went on"));
}

TEST(OutlivedMemory, OfRanksThatRanOutAlikeIsToldOnce) {
  Files files = Ranks({{40, Caught("9.50")}});
  for (auto& [name, text] : files) text = files[3].second;
  const Verdict verdict = Judge(files);
  EXPECT_TRUE(Tells(verdict, "ranks 0-3 ran out of GPU memory after step 40 and went on"));
}

TEST(OutlivedMemory, OfALineThatSaysThatItGoesOnIsToldToo) {
  std::string log;
  for (int step = 1; step <= 20; ++step) log += Report(step, 30);
  log += "WARNING: batch size 32: CUDA out of memory. Tried to allocate 4.00 GiB., trying again with 16\n";
  for (int step = 21; step <= 23; ++step) log += Report(step, 30);
  EXPECT_TRUE(Tells(JudgeLog(log), "the job ran out of GPU memory after step 20 and went on"));
}

TEST(OutlivedMemory, TheBatchOfTheReportAfterItWasNotInFlight) {
  const Verdict verdict =
      Judge(Ranks({{40, Caught("9.50") + "input shape [4, 9000]\n"}, {41, "pixel shape [8, 64]\n"}}));
  EXPECT_TRUE(Tells(verdict, "the batch in flight: input shape [4, 9000]"));
  for (const std::string& figure : verdict.figures) EXPECT_EQ(figure.find("pixel"), std::string::npos) << figure;
}

TEST(OutlivedMemory, WhatOnlySpeaksOfItIsNone) {
  for (const char* talk : {"generated: 'RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB' reward 0.1",
                           "resuming: job 811 died with CUDA out of memory, now micro batch 2"}) {
    const Verdict verdict = JudgeLog(Steps(1, 8) + talk + "\n" + Steps(9, 16));
    EXPECT_TRUE(verdict.figures.empty()) << verdict.figures.front();
    EXPECT_EQ(verdict.summary.find("memory"), std::string::npos);
  }
}

TEST(OutlivedMemory, IsToldOfAFailureThatCameLater) {
  const Verdict verdict =
      Judge(Ranks({{40, Caught("9.50")}, {60, Traceback("/app/data.py", "KeyError: 'pixel_values'")}}));
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_TRUE(Tells(verdict, "rank 3 ran out of GPU memory after step 40 and went on"));
}

TEST(OutlivedMemory, OfAPeerThatGoesOnAfterTheFailureItsMemoryIsTold) {
  Files files = Ranks({});
  std::string& failed = files[3].second;
  failed = failed.substr(0, failed.find("step 41 ")) + Caught("9.50");
  for (auto& [name, text] : files) {
    std::string timed;
    size_t second = 0;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = text.find('\n', begin) + 1;
      if (text.compare(begin, 5, "step ") == 0) ++second;
      timed += "2026-03-01 10:00:" + std::string(second < 10 ? "0" : "") + std::to_string(second % 60) + " ";
      timed += text.substr(begin, end - begin);
      begin = end;
    }
    text = timed;
  }
  const Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.failure, "cuda_oom");
  EXPECT_TRUE(Tells(verdict, "after it the memory of 3 other ranks went from 50.00 to 50.00 GiB"));
}

TEST(OutlivedMemory, OfAJobThatWasStartedAgainTheMemoryOfTheNextAttemptIsTold) {
  auto attempt = [](int first, double growth) {
    std::string text;
    for (int step = first; step < first + 20; ++step) text += Report(step, 50 + growth * step);
    return text;
  };
  const Verdict verdict = Judge({{"attempt_0/0/stdout.log", attempt(1, 0)},
                                 {"attempt_0/1/stdout.log", attempt(1, 1)},
                                 {"attempt_0/1/stderr.log", Caught("9.50")},
                                 {"attempt_1/0/stdout.log", attempt(21, 0.25)},
                                 {"attempt_1/1/stdout.log", attempt(21, 0.5)}});
  EXPECT_EQ(verdict.failure, "cuda_oom");
  EXPECT_TRUE(Tells(verdict, "in attempt 1 after it memory went from 60.50 to 70.00 GiB in 20 reports"));
  EXPECT_TRUE(Tells(verdict, "that of 1 other rank from 55.25 to 60.00 GiB"));
}

}  // namespace
}  // namespace rankscope::diagnose
