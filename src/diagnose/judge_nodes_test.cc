#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// Ranks 0 to 3 of a node take steps, with what a launcher puts before the number and behind it.
std::string StepsOfNode(const std::string& before, const std::string& after, int hour = 3) {
  std::string text;
  for (int step = 1; step <= 6; ++step) {
    for (int rank = 0; rank < 4; ++rank) {
      text += before + std::to_string(rank) + after + "2026-11-24 0" + std::to_string(hour) + ":00:0" +
              std::to_string(step) + " INFO step " + std::to_string(step) + " loss 2.9" + std::to_string(rank) + "\n";
    }
  }
  return text;
}

std::string Raise(const std::string& prefix) {
  return prefix + "Traceback (most recent call last):\n" + prefix + "  File \"/app/mix.py\", line 9, in load\n" +
         prefix + "    row = table[key]\n" + prefix + "KeyError: 'caption'\n";
}

std::string FiguresOf(const Verdict& verdict) {
  std::string text;
  for (const std::string& figure : verdict.figures) text += figure + "\n";
  return text;
}

const std::string kTee = "[default", kTeeEnd = "]:";

TEST(JudgeNodes, CountsLocalRanksOfTwoNodesOneAfterTheOther) {
  const std::string local = StepsOfNode(kTee, kTeeEnd), own = StepsOfNode("[rank", "]: ");
  for (const auto& [steps, raise] : {std::pair(local, Raise("[default2]:")), std::pair(own, Raise("[rank2]: "))}) {
    Verdict verdict = Judge({{"node-a.log", steps}, {"node-b.log", steps + raise}});
    EXPECT_EQ(verdict.culprits, std::vector<int32_t>{6});
    ASSERT_TRUE(verdict.culprit);
    EXPECT_EQ(verdict.culprit->node_rank, 1);
    EXPECT_NE(FiguresOf(verdict).find("rank 6 is local rank 2 of node 1 (node-b); nodes are counted"),
              std::string::npos)
        << FiguresOf(verdict);
  }
}

TEST(JudgeNodes, BelievesLaunchersRatherThanTheOrderOfNames) {
  const std::string steps = StepsOfNode(kTee, kTeeEnd);
  const std::string api = "I1124 02:59:58.118000 4101 torch/distributed/elastic/agent/server/api.py:525]   ";
  const std::string command = "+ torchrun --nnodes 2 --nproc_per_node 4 --node_rank ";
  const std::string table = "rank      : 2 (local_rank: 2)\n";
  const std::vector<std::array<std::string, 3>> told = {{api + "group_rank=1\n", api + "group_rank=0\n", ""},
                                                        {command + "1 a.py\n", command + "0 a.py\n", ""},
                                                        {"", "", table}};
  for (const auto& [a, b, end] : told) {
    Verdict verdict = Judge({{"gpu-017.out", a + steps}, {"gpu-023.out", b + steps + Raise("[default2]:") + end}});
    EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
    ASSERT_TRUE(verdict.culprit);
    EXPECT_EQ(verdict.culprit->node_rank, 0);
    EXPECT_NE(FiguresOf(verdict).find("rank 2 is local rank 2 of node 0 (gpu-023)\n"), std::string::npos)
        << FiguresOf(verdict);
  }
}

TEST(JudgeNodes, LeavesTheRankOpenWhereNothingTellsHowManyANodeHas) {
  const std::string quiet = "[default0]:2026-11-24 03:00:01 INFO step 1 loss 2.9\n";
  const Files files = {{"node-a.log", quiet}, {"node-b.log", quiet + Raise("[default2]:")}};
  Verdict verdict = Judge(files);
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->node_rank, 1);
  EXPECT_FALSE(verdict.culprit->rank);
  EXPECT_NE(verdict.summary.find("on node 1 (node-b)"), std::string::npos) << verdict.summary;
  EXPECT_NE(FiguresOf(verdict).find("its global rank is open"), std::string::npos) << FiguresOf(verdict);
  Verdict told = Judge({{"node-a.log", "torchrun --nproc_per_node=4 a.py\n" + files[0].second}, files[1]});
  EXPECT_EQ(told.culprits, std::vector<int32_t>{6});
}

TEST(JudgeNodes, FoldersOfRanksAreNodesToo) {
  Files files;
  for (const std::string node : {"host-a", "host-b"}) {
    for (int rank = 0; rank < 4; ++rank) {
      files.emplace_back(node + "/rank_" + std::to_string(rank) + ".log", StepsOfNode("", " "));
    }
  }
  files[6].second += Raise("");
  EXPECT_EQ(Judge(files).culprits, std::vector<int32_t>{6});
}

TEST(JudgeNodes, FilesWrittenOneAfterTheOtherOrOfOtherNamesAreOfTheSameRanks) {
  const std::string early = StepsOfNode(kTee, kTeeEnd), late = StepsOfNode(kTee, kTeeEnd, 5);
  EXPECT_EQ(Judge({{"node-a.log", early}, {"node-b.log", late + Raise("[default2]:")}}).culprits,
            std::vector<int32_t>{2});
  EXPECT_EQ(Judge({{"console.log", early}, {"nohup.out", early + Raise("[default2]:")}}).culprits,
            std::vector<int32_t>{2});
}

}  // namespace
}  // namespace rankscope::diagnose
