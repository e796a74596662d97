#include <gtest/gtest.h>

#include "diagnose/testing/gloo_words.h"
#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const char kClosed[] = "pair.cc:598] Connection closed by peer [127.0.0.1]:669";
const char kGotMore[] =
    "terminate called after throwing an instance of 'gloo::EnforceNotMet'\n"
    "  what():  [enforce fail at ./gloo/transport/tcp/pair.cc:510] op.preamble.length <= op.nbytes. 48 vs 8\n";

TEST(Judge, BlamesTheRankThatExpectedLessThanTheGradientsOfAllOthers) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + RaisedInBackward(44, kClosed)},
                           {"rank_1.log", Steps(1, 4) + kGotMore},
                           {"rank_2.log", Steps(1, 4) + RaisedInBackward(44, kClosed)}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
  EXPECT_LE(verdict.confidence, 0.7);
}

TEST(Judge, BlamesTheRankThatExpectedLessThanGradientsThoughTheSenderWasEndedAsItWaited) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + RaisedInBackward(44, kClosed)},
                           {"rank_1.log", Steps(1, 4) + kGotMore},
                           {"rank_2.log", Steps(1, 4)}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, BlamesTheSenderThatReducedItsGradientsWhereNoOtherDid) {
  for (const std::string& other : {std::string(), Raised(0, 31, "all_reduce", kClosed)}) {
    Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + other},
                             {"rank_1.log", Steps(1, 4) + kGotMore},
                             {"rank_2.log", Steps(1, 4) + RaisedInBackward(44, kClosed)}});
    EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
    EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  }
}

TEST(Judge, IsNotSureOfTheSenderWhereOneRankAloneComplainsOfItsSize) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + Raised(0, 31, "all_reduce", kClosed)},
                           {"rank_1.log", Steps(1, 4) + kGotMore},
                           {"rank_2.log", Steps(1, 4)}});
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  EXPECT_LE(verdict.confidence, 0.7);
  ASSERT_EQ(verdict.would_settle.size(), 1U);
  EXPECT_NE(verdict.would_settle.front().find("rank 2's or rank 1's"), std::string::npos);
}

std::string Aborted(int node, int rank) {
  return "E0301 10:11:12.916000 99 torch/distributed/elastic/multiprocessing/api.py:1002] failed (exitcode: -6) "
         "local_rank: " +
         std::to_string(rank % 2) + " (pid: 11" + std::to_string(rank) +
         ") of binary: python\n[0]:\n  rank      : " + std::to_string(rank) +
         " (local_rank: " + std::to_string(rank - 2 * node) + ")\n  exitcode  : -6 (pid: 11" + std::to_string(rank) +
         ")  (SIGABRT)\n";
}

TEST(Judge, TakesSeveralAbortsAtOnceForThoseOfGlooWhoseWordsAreLost) {
  Verdict verdict = Judge({{"node_0.log", Steps(1, 4) + Raised(0, 31, "broadcast", kClosed) + Aborted(0, 1)},
                           {"node_1.log", Raised(3, 31, "broadcast", kClosed) + Aborted(1, 2)}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
  verdict = Judge({{"node_0.log", Steps(1, 4) + Raised(0, 31, "broadcast", kClosed) + Aborted(0, 1)},
                   {"node_1.log", Raised(3, 31, "broadcast", kClosed)}});
  EXPECT_EQ(verdict.failure, "segfault_sigsegv");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, BlamesWhoSendsToTheRankInTheTreeOfABroadcast) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + Raised(0, 44, "all_reduce", kClosed)},
                           {"rank_1.log", Steps(1, 4) + Raised(1, 31, "broadcast", kClosed)},
                           {"rank_2.log", Steps(1, 4)},
                           {"rank_3.log", Steps(1, 4) + kGotMore}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
  // A broadcast that comes as the program tidies up tells nothing of that in which it failed.
  verdict =
      Judge({{"rank_0.log", Steps(1, 4) + Raised(0, 44, "all_reduce", kClosed)},
             {"rank_1.log", Steps(1, 4) + Raised(1, 44, "all_reduce", kClosed) + Raised(1, 99, "broadcast", kClosed)},
             {"rank_2.log", Steps(1, 4)},
             {"rank_3.log", Steps(1, 4) + kGotMore}});
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

TEST(Judge, IsSureOfNobodyForASizeThatABroadcastOfASilentSenderExplainsAsWell) {
  const std::string reducing = Steps(1, 4) + RaisedInBackward(44, kClosed);
  Verdict verdict = Judge({{"rank_0.log", reducing},
                           {"rank_1.log", Steps(1, 4)},
                           {"rank_2.log", reducing},
                           {"rank_3.log", Steps(1, 4) + kGotMore}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, (std::vector<int32_t>{1, 3, 0}));
  EXPECT_LT(verdict.confidence, 0.5);
  ASSERT_FALSE(verdict.would_settle.empty());
  EXPECT_NE(verdict.would_settle.front().find("rank 0's or rank 1's or rank 3's"), std::string::npos);
  // The sender of the broadcast reduces gradients too, as all do but one.
  verdict = Judge({{"rank_0.log", reducing},
                   {"rank_1.log", reducing},
                   {"rank_2.log", Steps(1, 4)},
                   {"rank_3.log", Steps(1, 4) + kGotMore}});
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
}

TEST(Judge, IsSureOfNobodyForASizeWhereAllOthersAreInTheSameAllReduce) {
  auto judge = [](const std::string& of_rank_1) {
    return Judge({{"rank_0.log", Steps(1, 4) + Raised(0, 44, "all_reduce", kClosed)},
                  {"rank_1.log", Steps(1, 4) + Raised(1, of_rank_1 == "all_reduce" ? 44 : 31, of_rank_1, kClosed)},
                  {"rank_2.log", Steps(1, 4) + Raised(2, 44, "all_reduce", kClosed)},
                  {"rank_3.log", Steps(1, 4) + kGotMore}});
  };
  EXPECT_EQ(judge("all_reduce").failure, "collective_mismatch_hang");
  EXPECT_EQ(judge("all_reduce").culprits, (std::vector<int32_t>{0, 1, 3}));
  EXPECT_LT(judge("all_reduce").confidence, 0.5);
  ASSERT_FALSE(judge("all_reduce").would_settle.empty());
  EXPECT_EQ(judge("broadcast").culprits, std::vector<int32_t>{1});
}

TEST(Judge, IsSureOfNobodyForASizeWhereNobodySaysWhereHeWas) {
  auto judge = [](const std::string& of_rank_0) {
    return Judge({{"rank_0.log", Steps(1, 4) + of_rank_0},
                  {"rank_1.log", Steps(1, 4)},
                  {"rank_2.log", Steps(1, 4)},
                  {"rank_3.log", Steps(1, 4) + kGotMore}});
  };
  EXPECT_EQ(judge("").failure, "collective_mismatch_hang");
  EXPECT_EQ(judge("").culprits, (std::vector<int32_t>{0, 1, 3}));
  EXPECT_LT(judge("").confidence, 0.5);
  EXPECT_EQ(judge(Raised(0, 31, "all_reduce", kClosed)).culprits, std::vector<int32_t>{0});
}

TEST(Judge, BlamesWhoSendsInTheBroadcastThatAllWhoWaitInABarrierHaveBehindThem) {
  auto in_barrier = [](int rank) { return Steps(1, 4) + Raised(rank, 53, "barrier", kClosed); };
  Files files = {{"rank_0.log", in_barrier(0)},
                 {"rank_1.log", in_barrier(1)},
                 {"rank_2.log", in_barrier(2)},
                 {"rank_3.log", Steps(1, 4) + kGotMore}};
  EXPECT_EQ(Judge(files).culprits, std::vector<int32_t>{1});
  std::swap(files[2].second, files[3].second);
  files[3].second = in_barrier(3);
  EXPECT_EQ(Judge(files).culprits, std::vector<int32_t>{2});  // rank 1 had no fault to find with what the root sent
}

TEST(Judge, BlamesTheRankWhoseParametersAreNotThoseOfRank0) {
  auto unlike = [](int rank) {
    return "Traceback (most recent call last):\n  File \"/app/train.py\", line 90, in main\n    model = wrap(model)\n"
           "RuntimeError: [" +
           std::to_string(rank) +
           "]: params[2] in this process with sizes [24, 16] appears not to match sizes of the same param in process "
           "0.\n";
  };
  const std::string reducing = RaisedInBackward(70, kClosed);
  Verdict verdict = Judge({{"rank_0.log", Raised(0, 90, "broadcast", kClosed)},
                           {"rank_1.log", reducing},
                           {"rank_2.log", unlike(2)},
                           {"rank_3.log", reducing}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  EXPECT_EQ(JudgeLog("world size 3\n" + unlike(1) + unlike(2)).culprits, std::vector<int32_t>{0});
  verdict = JudgeLog("world size 2\n" + unlike(1));  // either of the two
  EXPECT_EQ(verdict.culprits, (std::vector<int32_t>{1, 0}));
  EXPECT_LE(verdict.confidence, 0.5);
}

TEST(Judge, TakesAbortsThatAWatchdogAnnouncesForThatWatchdogs) {
  const std::string watchdog =
      "[E0301 10:11:12.832388 ProcessGroupNCCL.cpp:632] [Rank 1] Watchdog caught collective operation timeout: "
      "WorkNCCL(SeqNum=45, OpType=ALLREDUCE, NumelIn=4, NumelOut=4, Timeout(ms)=600000) ran for 600157 milliseconds "
      "before timing out.\n";
  Verdict verdict = Judge({{"node_0.log", Steps(1, 4) + watchdog + Aborted(0, 1)},
                           {"node_1.log", Raised(3, 31, "broadcast", kClosed) + Aborted(1, 2)}});
  EXPECT_EQ(verdict.failure, "nccl_timeout");
}

TEST(Judge, ReadsTheCallOfAFrameThatRichBreaksInItsBox) {
  auto in_box = [](const std::string& call) {
    return Steps(1, 4) +
           "\u256d\u2500 Traceback (most recent call last) \u2500\u256e\n"
           "\u2502 /app/train.py:31 in step                              \u2502\n"
           "\u2502                                                       \u2502\n"
           "\u2502 \u2771 31 \u2502   share(loss)                                 \u2502\n"
           "\u2502 /venv/site-packages/torch/distributed/distributed_c10 \u2502\n"
           "\u2502 d.py:2282 in                                          \u2502\n"
           "\u2502 " +
           call +
           "                                            \u2502\n\u2570\u2500\u256f\n"
           "RuntimeError: [./gloo/transport/tcp/pair.cc:598] Connection closed by peer [10.0.0.4]:7311\n";
  };
  auto judge = [&](const std::string& call) {
    return Judge({{"rank_0.log", Steps(1, 4) + kGotMore},
                  {"rank_1.log", in_box(call)},
                  {"rank_2.log", Steps(1, 4)},
                  {"rank_3.log", in_box(call)}});
  };
  EXPECT_EQ(judge("all_gather").culprits, std::vector<int32_t>{3});
  EXPECT_EQ(judge("all_reduce").culprits, std::vector<int32_t>{1});
}

TEST(Judge, CountsTheRankThatItsLauncherEndedAndLeftOutOfItsTableAmongThoseThatSend) {
  auto ended = [](int rank, int code) {
    return "  rank      : " + std::to_string(rank) + " (local_rank: " + std::to_string(rank) +
           ")\n  exitcode  : " + std::to_string(code) + " (pid: 62" + std::to_string(rank) + ")\n";
  };
  const std::string waits = RaisedInBackward(44, kClosed), table = ended(0, 1) + ended(1, 1) + ended(2, -6);
  auto ending = [](int pid) {
    return "WARNING:torch.distributed.elastic.multiprocessing.api:Sending process " + std::to_string(pid) +
           " closing signal SIGTERM\n";
  };
  EXPECT_EQ(JudgeLog(kGotMore + waits + ending(623) + table).culprits, std::vector<int32_t>{3});
  EXPECT_EQ(JudgeLog(kGotMore + waits + ending(621) + table).culprits, std::vector<int32_t>{0});
  // Of the attempt before.
  const std::string failed = Aborted(0, 2).substr(0, Aborted(0, 2).find('\n') + 1);
  const Files mixed = {{"rank_0.log", Raised(0, 31, "all_reduce", kClosed)},
                       {"rank_1.log", Raised(1, 31, "all_reduce", kClosed)},
                       {"rank_2.log", kGotMore},
                       {"launcher.log", ending(611) + failed + failed + table}};
  EXPECT_EQ(Judge(mixed).culprits, std::vector<int32_t>{0});
}

TEST(Judge, BlamesWhoSendsInAnAllGatherWhoseTracebacksNameNoRank) {
  auto in = [](const std::string& call) {
    return "Traceback (most recent call last):\n  File \"/app/train.py\", line 31, in step\n"
           "  File \"/usr/lib/python3/dist-packages/torch/distributed/distributed_c10d.py\", line 2282, in " +
           call + "\nRuntimeError: [./gloo/transport/tcp/" + kClosed + "\n";
  };
  auto judge = [&](const std::string& call) {
    return Judge({{"node_0.log", "[rank0] step=4 loss=1.2\n[rank1] step=4 loss=1.3\n" + in(call) + in(call)},
                  {"node_1.log", "[rank2] step=4 loss=1.2\n[rank3] step=4 loss=1.3\n" + std::string(kGotMore) +
                                     in(call) + Aborted(1, 2)}});
  };
  EXPECT_EQ(judge("all_gather").failure, "collective_mismatch_hang");
  EXPECT_EQ(judge("all_gather").culprits, std::vector<int32_t>{1});
  EXPECT_EQ(judge("all_reduce").culprits, std::vector<int32_t>{3});
}

TEST(Judge, BelievesTheCallsOfAllRanksRatherThanAStepThatOneReports) {
  Files files = {{"rank_0.log", Steps(1, 4) + TimedOut(0, 70, "all_reduce")},
                 {"rank_1.log", Steps(1, 4) + TimedOut(1, 44, "barrier")},
                 {"rank_2.log", Steps(1, 4) + TimedOut(2, 44, "barrier")},
                 {"rank_3.log", Steps(1, 5) + TimedOut(3, 44, "barrier")}};
  EXPECT_EQ(Judge(files).culprits, std::vector<int32_t>{0});
  files[0].second = Steps(1, 4) + TimedOut(0, 44, "barrier");
  EXPECT_EQ(Judge(files).culprits, std::vector<int32_t>{3});
}

}  // namespace
}  // namespace rankscope::diagnose
