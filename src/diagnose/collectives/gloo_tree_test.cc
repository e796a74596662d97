#include "diagnose/collectives/gloo_tree.h"

#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const char kGotMore[] =
    "terminate called after throwing an instance of 'gloo::EnforceNotMet'\n"
    "  what():  [enforce fail at ./gloo/transport/tcp/pair.cc:510] op.preamble.length <= op.nbytes. 36 vs 16\n";

// A rank of torch 1.13, whose peer went while it was in `call` at `line` of the program.
std::string SawOneGo(const std::string& call, int line = 52) {
  return "Traceback (most recent call last):\n  File \"/app/train.py\", line " + std::to_string(line) +
         ", in main\n"
         "  File \"/usr/lib/python3/dist-packages/torch/distributed/distributed_c10d.py\", line 1408, in " +
         call + "\n    work.wait()\nRuntimeError: [./gloo/transport/tcp/pair.cc:598] Connection closed by peer " +
         "[10.0.0.4]:7311\n";
}

TEST(GlooTree, BlamesTheRootOfABroadcastOfWhichAllItSendsToGotMoreThanTheyExpected) {
  const Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + SawOneGo("all_gather", 60)},
                                 {"rank_1.log", Steps(1, 4) + kGotMore},
                                 {"rank_2.log", Steps(1, 4) + kGotMore},
                                 {"rank_3.log", Steps(1, 4) + SawOneGo("broadcast")}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

TEST(GlooTree, BlamesNoRootWhereTheOthersWereInAnAllReduce) {
  const Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + SawOneGo("all_reduce")},
                                 {"rank_1.log", Steps(1, 4) + kGotMore},
                                 {"rank_2.log", Steps(1, 4) + kGotMore},
                                 {"rank_3.log", Steps(1, 4) + SawOneGo("all_reduce")}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_NE(verdict.culprits, std::vector<int32_t>{0});
}

TEST(GlooTree, FindsWhoLeftItOutThoughTheStuckOneSawAPeerGo) {
  using Ranks = std::vector<int32_t>;
  EXPECT_EQ(FindTreeGaps(Way::kBroadcast, {{0}, {}, {}}, 4), Ranks{2});
  EXPECT_EQ(FindTreeGaps(Way::kBroadcast, {{0, 3}, {}, {}}, 4), Ranks{1});
  EXPECT_EQ(FindTreeGaps(Way::kBroadcast, {{0}, {}, {}}, 3), (Ranks{1, 2}));
  EXPECT_EQ(FindTreeGaps(Way::kBroadcast, {{0}, {}, {0}}, 4), Ranks{});  // who sends to all receives from none
  EXPECT_EQ(FindTreeGaps(Way::kBroadcast, {{0, 3}, {0}, {0}}, 4), Ranks{});
}

TEST(GlooTree, FindsWhoLeftOutAReductionThatThoseBehindItHaveBehindThem) {
  using Ranks = std::vector<int32_t>;
  EXPECT_EQ(FindTreeGaps(Way::kReduction, {{1}, {}, {}}, 4), Ranks{0});
  EXPECT_EQ(FindTreeGaps(Way::kReduction, {{0, 2}, {2}, {0}}, 4), Ranks{1});
  EXPECT_EQ(FindTreeGaps(Way::kReduction, {{0, 1, 2}, {}, {}}, 4), Ranks{3});
  EXPECT_EQ(FindTreeGaps(Way::kReduction, {{0, 2}, {0}, {}}, 4), Ranks{});  // nobody waits to send for the root
  EXPECT_EQ(FindTreeGaps(Way::kReduction, {{2, 3}, {}, {}}, 4), Ranks{});   // of several parts
}

TEST(GlooTree, NamesASenderOnlyWhereAllHaveTheSame) {
  EXPECT_EQ(SenderToAll({1, 2, 4}), 0);
  EXPECT_EQ(SenderToAll({3, 5}), 1);
  EXPECT_EQ(SenderToAll({2, 3}), std::nullopt);
  EXPECT_EQ(SenderToAll({0, 1}), std::nullopt);
}

}  // namespace
}  // namespace rankscope::diagnose
