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

TEST(Judge, CallsItAMismatchWhereRichBreaksTheWordsOfThoseWhoWait) {
  auto waits = [](const std::string& call) {
    std::string text = Unnamed(TimedOut(0, 41, call));
    return text.insert(text.find("25000ms"), "\n");
  };
  EXPECT_EQ(JudgeLog(Steps(1, 3) + waits("barrier") + waits("all_reduce")).failure, "collective_mismatch_hang");
  EXPECT_EQ(JudgeLog(Steps(1, 3) + waits("barrier") + waits("barrier")).failure, "gloo_error");
}

TEST(Judge, BlamesNobodyForHavingSurvivedWhereMoreProcessesWaitedThanAreKnownToHaveFailed) {
  const std::string waited = Unnamed(TimedOut(0, 41)), ended = "  Process name: [[861,1],1]\n  Exit code:    1\n";
  const std::string steps = "[rank0]: step 4 loss 1.7\n";
  EXPECT_EQ(JudgeLog(steps + waited + ended).culprits, std::vector<int32_t>{0});
  EXPECT_EQ(JudgeLog(steps + waited + waited + ended).culprits, std::vector<int32_t>{0});  // logged, too
  EXPECT_TRUE(JudgeLog(steps + waited + waited + waited + ended).culprits.empty());
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

TEST(Judge, BlamesWhoWentOnThoughTheFirstFramesOfTheOtherAreCutOff) {
  auto behind_main = [](std::string raised) {
    return raised.insert(raised.find('\n') + 1, "[rank0]:   File \"/app/train.py\", line 90, in main\n");
  };
  const std::string stuck = Unnamed(TimedOut(0, 31)), ahead = Unnamed(behind_main(TimedOut(0, 44, "barrier")));
  const Files files = {{"rank_0.log", Steps(1, 4) + ahead}, {"rank_1.log", stuck.substr(stuck.find('\n') + 1)}};
  EXPECT_EQ(Judge(files).failure, "collective_mismatch_hang");
  EXPECT_EQ(Judge(files).culprits, std::vector<int32_t>{0});
}

TEST(Judge, NamesBothRanksOfWhichEitherMayHaveLeftOutABroadcast) {
  Verdict verdict = Judge({{"rank_0.log", CouldNotIn("broadcast", 0, 31, "send")},
                           {"rank_1.log", CouldNotIn("barrier", 1, 44, "recv")},
                           {"rank_2.log", CouldNotIn("barrier", 2, 44, "recv")}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, (std::vector<int32_t>{1, 2}));
  EXPECT_LE(verdict.confidence, 0.5);
  EXPECT_NE(verdict.summary.find("on rank 1 or 2"), std::string::npos) << verdict.summary;
}

TEST(Judge, BlamesTheRankToWhichAReductionWasToBeSentThatMostHaveBehindThem) {
  auto judge = [](const std::string& of_rank_1) {
    return Judge({{"rank_0.log", CouldNotIn("barrier", 0, 44, "recv")},
                  {"rank_1.log", of_rank_1},
                  {"rank_2.log", CouldNotIn("barrier", 2, 44, "recv")},
                  {"rank_3.log", CouldNotIn("barrier", 3, 44, "send")}});
  };
  EXPECT_EQ(judge(CouldNotIn("reduce", 1, 31, "send")).failure, "collective_mismatch_hang");
  EXPECT_EQ(judge(CouldNotIn("reduce", 1, 31, "send")).culprits, std::vector<int32_t>{0});
  EXPECT_EQ(judge(Raised(1, 31, "reduce", "pair.cc:561] Connection closed by peer [10.0.0.4]:7311")).culprits,
            std::vector<int32_t>{0});
  EXPECT_EQ(judge(CouldNotIn("reduce", 1, 31, "recv")).culprits, std::vector<int32_t>{1});  // there is no way like it
}

TEST(Judge, CallsItAMismatchWhereAllRanksOfOneLogWaitInDifferentCalls) {
  const std::string waits = Steps(1, 4) + TimedOut(0, 31) + TimedOut(1, 31, "broadcast");
  EXPECT_EQ(JudgeLog(waits).failure, "collective_mismatch_hang");
  EXPECT_EQ(JudgeLog(waits).culprits, (std::vector<int32_t>{1, 0}));  // ranks reduce at every step
  EXPECT_EQ(JudgeLog(Steps(1, 4) + TimedOut(0, 31, "barrier") + TimedOut(1, 31, "broadcast")).culprits,
            (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(JudgeLog("[rank2]: step 4 loss 1.7\n" + waits).failure, "gloo_error");
}

TEST(Judge, BlamesTheRankThatOnlyTheNumberOfAllTellsOf) {
  const std::string waits = Steps(1, 4) + TimedOut(0, 31) + TimedOut(1, 31);
  for (const char* told : {"api.py:552]   global_world_sizes=[3, 3, 3]", "ERROR failed to connect, rank=1, size=3",
                           "All distributed processes registered. Starting with 3 processes", "Num processes: 3"})
    EXPECT_EQ(JudgeLog(std::string(told) + "\n" + waits).culprits, std::vector<int32_t>{2}) << told;
  EXPECT_TRUE(JudgeLog("Starting with 3 samples of each shard\n" + waits).culprits.empty());
}

TEST(Judge, BlamesWhomAHandlerOfSignalsFoundOutsideOfTheCollectiveThatTheOthersWaitedIn) {
  const std::string head = "[rank1]: ", waits = CouldNotIn("all_reduce", 0, 31, "recv");
  auto judge = [&](const std::string& interrupted) {
    std::string told = Raised(1, 31, "broadcast", "pair.cc:561] Connection closed by peer [10.0.0.4]:7311");
    told.insert(
        told.find(head + "  File \"/venv"),
        head + "  File \"" + interrupted + "\", line 9, in wait\n" + head +
            "  File \"/venv/site-packages/lightning/pytorch/trainer/connectors/signal_connector.py\", line 36, in "
            "__call__\n");
    return Judge({{"rank_0.log", waits}, {"rank_1.log", told}});
  };
  EXPECT_EQ(judge("/app/locks.py").failure, "gloo_error");
  EXPECT_EQ(judge("/app/locks.py").culprits, std::vector<int32_t>{1});
  EXPECT_TRUE(judge("/venv/site-packages/torch/distributed/distributed_c10d.py").culprits.empty());
}

TEST(Judge, TakesRanksForThoseOfOneCallThoughTheFirstFramesOfMostAreCutOff) {
  const std::string outer = "Traceback (most recent call last):\n",
                    own = "  File \"/app/train.py\", line 31, in step\n";
  auto cut = [&](int rank, const std::string& call) {
    std::string text = Unnamed(Raised(0, 31, call, "pair.cc:561] Connection closed by peer [10.0.0.4]:7311"));
    if (rank > 0) text.erase(text.find(own), own.size());
    return std::pair("rank_" + std::to_string(rank) + ".log", text);
  };
  const Verdict verdict =
      Judge({cut(0, "barrier"), cut(1, "barrier"), cut(2, "barrier"), {"rank_3.log", "step 3 loss 2\n"}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
  // Elsewhere, not cut off.
  EXPECT_EQ(Judge({cut(0, "all_gather"), cut(1, "barrier"), cut(2, "barrier")}).culprits, std::vector<int32_t>{0});
}

TEST(Judge, KnowsWhoRaisedInAFileOfALauncherThatHadOneProcess) {
  auto node = [](int rank, const std::string& raised, const std::string& ending = "") {
    return Unnamed(raised) + ending + Exited(0) +
           "Failures:\n  <NO_OTHER_FAILURES>\n  rank      : " + std::to_string(rank) +
           " (local_rank: 0)\n  exitcode  : 1 (pid: 27189)\n";
  };
  const std::string ahead = TimedOut(0, 77, "barrier"), behind = TimedOut(0, 41, "all_gather");
  Verdict verdict = Judge({{"node_0.log", node(0, behind)}, {"node_1.log", node(1, ahead)}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
  const std::string other = "torch/distributed/elastic/api.py:1028] Sending process 27190 closing signal SIGTERM\n";
  verdict = Judge({{"node_0.log", node(0, behind)}, {"node_1.log", node(1, ahead, other)}});
  EXPECT_NE(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, NamesBothRanksWhereTheBackwardPassMayBeThatOfTheNextStep) {
  Verdict verdict = Judge(
      {{"rank_0.log", Steps(1, 4) + CouldNot("recv", 28)}, {"rank_1.log", Steps(1, 4) + TimedOut(1, 31, "barrier")}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, (std::vector<int32_t>{0, 1}));
  EXPECT_LE(verdict.confidence, 0.5);
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
