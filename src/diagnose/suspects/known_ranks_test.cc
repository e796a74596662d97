#include "diagnose/suspects/known_ranks.h"

#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// A rank that meets the others in a barrier behind the last step, and sees one of them go.
std::string SawOneGo(int rank) {
  const std::string head = "[rank" + std::to_string(rank) + "]: ";
  return head + "Traceback (most recent call last):\n" + head + "  File \"/app/train.py\", line 90, in main\n" + head +
         "  File \"/venv/site-packages/torch/distributed/distributed_c10d.py\", line 4635, in barrier\n" + head +
         "RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:561] Connection closed by peer "
         "[127.0.0.1]:41077\n";
}

std::string Closing(int rank) {
  return "W1126 09:12:44.100000 511 torch/distributed/elastic/multiprocessing/api.py:900] Sending process " +
         std::to_string(600 + rank) + " closing signal SIGTERM\n";
}

// A row of torchelastic's table.
std::string Row(int rank, int code) {
  const std::string local = std::to_string(rank % 2);
  return "[" + local +
         "]:\n  time      : 2026-11-26_09:12:45\n  host      : gpu-0\n  rank      : " + std::to_string(rank) +
         " (local_rank: " + local + ")\n  exitcode  : " + std::to_string(code) +
         " (pid: " + std::to_string(600 + rank) + ")\n";
}

std::string RanksSteps(int rank, int last) {
  std::string text;
  for (int step = 1; step <= last; ++step) {
    text += "[rank" + std::to_string(rank) + "]: step " + std::to_string(step) + " loss 1.73 rank " +
            std::to_string(rank) + "\n";
  }
  return text;
}

// Two nodes of two ranks each; rank 2 is missing from its launcher's table, `table` are the rows there.
Verdict OfTwoNodes(int steps_of_rank_2, const std::string& table) {
  const std::string failed = "Failures:\n";
  return Judge({{"node_0.log", RanksSteps(0, 8) + RanksSteps(1, 8) + SawOneGo(0) + SawOneGo(1) + Closing(1) + failed +
                                   Row(1, -15) + "Root Cause (first observed failure):\n" + Row(0, 1)},
                {"node_1.log", RanksSteps(2, steps_of_rank_2) + RanksSteps(3, 8) + SawOneGo(3) + failed + table}});
}

TEST(KnownRanks, TheOnlyOneThatNoLauncherSawFailLeftOutTheCollectiveOfTheOthers) {
  const Verdict verdict = OfTwoNodes(8, Row(3, 1));
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

TEST(KnownRanks, OneThatWasKilledLeftOutNothing) {
  EXPECT_EQ(OfTwoNodes(8, Row(3, 1) + Row(2, -9)).failure, "host_oom_killed");
}

TEST(KnownRanks, OneThatIsBehindTheOthersDidNotEndWell) {
  EXPECT_NE(OfTwoNodes(5, Row(3, 1)).failure, "collective_mismatch_hang");
}

TEST(KnownRanks, OneThatTheLauncherEndedWithoutARowInItsTableDidNotEndWell) {
  EXPECT_NE(OfTwoNodes(8, Closing(2) + Row(3, 1)).failure, "collective_mismatch_hang");
}

TEST(KnownRanks, TasksOfSrunAreNoRanksBesideThoseThatTheirLaunchersEnded) {
  std::string text;
  for (int rank = 0; rank < 4; ++rank) text += RanksSteps(rank, 8);
  text += SawOneGo(0) + SawOneGo(2) + SawOneGo(3) + Closing(0) + Closing(2) + Closing(3);
  text += "srun: error: gpu-0: task 0: Exited with exit code 1\nsrun: error: gpu-1: task 1: Terminated\n";
  EXPECT_EQ(JudgeLog(text).culprits, std::vector<int32_t>{1});
}

}  // namespace
}  // namespace rankscope::diagnose
