#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const std::string kRaised =
    "Traceback (most recent call last):\n  File \"/app/train.py\", line 31, in step\n    pack(rows)\n"
    "ValueError: 9 rows do not fit\n";

Files OfRanks(const std::vector<std::string>& texts) {
  Files files;
  for (size_t rank = 0; rank < texts.size(); ++rank)
    files.push_back({"rank_" + std::to_string(rank) + ".log", "step 7 loss 2.0\n" + texts[rank]});
  return files;
}

bool Tells(const Verdict& verdict, const std::string& figure) {
  return std::find(verdict.figures.begin(), verdict.figures.end(), figure) != verdict.figures.end();
}

TEST(Fellows, OfFilesWithoutTimesNobodyIsCalledTheFirst) {
  const Verdict all = Judge(OfRanks({kRaised, kRaised, kRaised}));
  EXPECT_EQ(all.failure, "python_exception_one_rank");
  EXPECT_FALSE(all.culprit);
  EXPECT_TRUE(all.culprits.empty());
  EXPECT_TRUE(Tells(all, "all 3 ranks say so, and nothing tells which was the first"));
  const Verdict some = Judge(OfRanks({"", kRaised, kRaised, "", kRaised}));
  EXPECT_EQ(some.culprits, (std::vector<int32_t>{1, 2, 4}));
  EXPECT_EQ(some.summary.find("first"), std::string::npos) << some.summary;
  EXPECT_NE(some.summary.find("on ranks 1-2, 4,"), std::string::npos) << some.summary;
  EXPECT_TRUE(Tells(some, "ranks 1-2, 4: nothing tells which of them said so first"));
}

TEST(Fellows, WithTimesTheFirstIsToldUnlessTheyAreEqual) {
  const std::string at7 = "2026-02-03 10:00:07,100 ", at8 = "2026-02-03 10:00:08,200 ";
  const std::string words = "ERROR torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 3.00 GiB.\n";
  EXPECT_EQ(Judge(OfRanks({at8 + words, at7 + words})).culprits, (std::vector<int32_t>{1, 0}));
  EXPECT_FALSE(Judge(OfRanks({at7 + words, at7 + words})).culprit);
}

// As a trainer prints them on rank 0, beside what each rank prints of its own loss.
std::string OwnReports(int rank, int lost_from) {
  std::string text;
  for (int step = 1; step <= 6; ++step) {
    const std::string loss = step < lost_from ? "1.7354" : "nan", norm = step < 5 ? "2.11" : "nan";
    text += "[rank " + std::to_string(rank) + "] step " + std::to_string(step) + " loss " + loss + "\n";
    if (rank == 0)
      text += "{'loss': '3.392', 'grad_norm': '" + norm + "', 'epoch': '0.0" + std::to_string(step) + "'}\n";
  }
  return text;
}

TEST(Fellows, ANormWithoutAStepIsNotThatOfWhoLostItsNumbersFirst) {
  const Verdict verdict =
      Judge({{"rank_0.log", OwnReports(0, 6)}, {"rank_1.log", OwnReports(1, 6)}, {"rank_2.log", OwnReports(2, 5)}});
  EXPECT_EQ(verdict.failure, "nan_or_inf_loss");
  ASSERT_FALSE(verdict.culprits.empty());
  EXPECT_EQ(verdict.culprits.front(), 2);
  EXPECT_NE(verdict.root_line.find("loss nan"), std::string::npos) << verdict.root_line;
}

TEST(Fellows, TheLauncherMayHaveSeenWhichFailedFirst) {
  Files files = OfRanks({kRaised, kRaised, kRaised});
  const std::string row = "  exitcode  : 1 (pid: 71)\n  error_file: <N/A>\n";
  files.push_back({"launcher.log",
                   "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \ntrain.py FAILED\nFailures:\n"
                   "[1]:\n  time      : 2026-02-03_10:00:09\n  host      : n1\n  rank      : 0 (local_rank: 0)\n" +
                       row +
                       "Root Cause (first observed failure):\n[0]:\n  time      : 2026-02-03_10:00:07\n"
                       "  host      : n1\n  rank      : 2 (local_rank: 2)\n" +
                       row});
  const Verdict verdict = Judge(files);
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 2);
  EXPECT_TRUE(Tells(verdict, "rank 2: the launcher saw it fail first"));
}

TEST(Fellows, WhatALauncherTellsOfAnEndIsNotTheRanksOwnWord) {
  const std::string step = "step 7 loss 2.0\n";
  EXPECT_TRUE(Tells(JudgeLog(step + "[rank2]: Process exited with code 7\n"), "rank 2: its end is told"));
  EXPECT_TRUE(Tells(Judge(OfRanks({"", kRaised})), "rank 1: it says so itself"));
}

}  // namespace
}  // namespace rankscope::diagnose
