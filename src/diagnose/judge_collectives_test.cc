#include <gtest/gtest.h>

#include "diagnose/testing/gloo_words.h"
#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// Without the prefix that names the rank.
std::string Unnamed(std::string text) {
  while (text.find("[rank0]: ") != std::string::npos) text.erase(text.find("[rank0]: "), 9);
  return text;
}

TEST(Judge, CallsItAMismatchWhereUnnamedProcessesWaitInDifferentCalls) {
  const std::string others = Unnamed(TimedOut(0, 41, "all_gather")) + Unnamed(TimedOut(0, 41, "all_gather"));
  EXPECT_EQ(JudgeLog(Steps(1, 3) + others + Unnamed(TimedOut(0, 77, "barrier"))).failure, "collective_mismatch_hang");
  const std::string launchers = Traceback("/venv/lib/python3.11/site-packages/torch/distributed/run.py",
                                          "torch.distributed.elastic.multiprocessing.errors.ChildFailedError:");
  EXPECT_EQ(JudgeLog(Steps(1, 3) + others + launchers).failure, "gloo_error");
}

TEST(Judge, BlamesOfTwoRanksTheOneThatWentOnWithoutTheOthersCollective) {
  Verdict verdict =
      Judge({{"rank_0.log", Steps(1, 4) + CouldNot("recv")}, {"rank_1.log", Steps(1, 4) + TimedOut(1, 31, "barrier")}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

TEST(Judge, BlamesTheRankThatLeftOutABroadcastWhichOthersHaveBehindThem) {
  Verdict verdict = Judge({{"rank_0.log", CouldNotIn("broadcast", 0, 31, "send")},
                           {"rank_1.log", CouldNotIn("barrier", 1, 44, "recv")},
                           {"rank_2.log", CouldNotIn("barrier", 2, 44, "recv")},
                           {"rank_3.log", CouldNotIn("broadcast", 3, 31, "recv")}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
  verdict = Judge({{"rank_0.log", CouldNotIn("barrier", 0, 44, "recv")},
                   {"rank_1.log", CouldNotIn("broadcast", 1, 31, "send")},
                   {"rank_2.log", CouldNotIn("barrier", 2, 44, "recv")},
                   {"rank_3.log", CouldNotIn("barrier", 3, 44, "recv")}});
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
}

TEST(Judge, BlamesNeitherOfTwoRanksOfWhichEitherMayHaveLeftOutABroadcast) {
  Verdict verdict = Judge({{"rank_0.log", CouldNotIn("broadcast", 0, 31, "send")},
                           {"rank_1.log", CouldNotIn("barrier", 1, 44, "recv")},
                           {"rank_2.log", CouldNotIn("barrier", 2, 44, "recv")}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_TRUE(verdict.culprits.empty());
}

TEST(Judge, BlamesNeitherOfTwoRanksWhereTheBackwardPassMayBeThatOfTheNextStep) {
  Verdict verdict = Judge(
      {{"rank_0.log", Steps(1, 4) + CouldNot("recv", 28)}, {"rank_1.log", Steps(1, 4) + TimedOut(1, 31, "barrier")}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_TRUE(verdict.culprits.empty());
}

TEST(Judge, CallsAWaitOfAllRanksInOneCallAMismatchAndNamesNobody) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + TimedOut(0, 31)}, {"rank_1.log", TimedOut(1, 31)}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_TRUE(verdict.culprits.empty());
}

TEST(Judge, TellsCollectivesOfOneLineApartByTheirNames) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + TimedOut(0, 31)},
                           {"rank_1.log", TimedOut(1, 31, "broadcast")},
                           {"rank_2.log", TimedOut(2, 31)}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

}  // namespace
}  // namespace rankscope::diagnose
