#include <gtest/gtest.h>

#include <sstream>

#include "diagnose/testing/gloo_words.h"
#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

TEST(Judge, TakesAVictimsWordsForThatWhereRichWrapsThem) {
  const std::string begin =
      "\u256d\u2500 Traceback (most recent call last) \u2500\u256e\n\u2502 /app/train.py:31 in step "
      "\u2502\n\u2570\u2500\u256f\n";
  const std::string victims =
      "RuntimeError: \n[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:561] \nConnection closed by peer "
      "[127.0.0.1]:55491.\n";
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 3) + begin + victims},
                           {"rank_1.log", Steps(1, 3) + begin + "KeyError: 'labels'\n"},
                           {"rank_2.log", Steps(1, 3) + begin + victims}});
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, TakesThemForThatWhereRichWrapsThemWithinTheWordsAndTheProgramWasSaving) {
  const std::string victims =
      "\u256d\u2500 Traceback (most recent call last) \u2500\u256e\n\u2502 /app/train.py:31 in save_checkpoint "
      "\u2502\n\u2570\u2500\u256f\nRuntimeError: \n[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:545] Read \n"
      "error [127.0.0.1]:4711: Connection reset by peer.\n";
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 3)}, {"rank_1.log", Steps(1, 3) + victims}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

TEST(Judge, TakesWorkersThatSigtermEndedWithTheirProcessForNoCause) {
  const auto died = [](const std::string& how) {
    return Traceback("/venv/torch/utils/data/_utils/signal_handling.py",
                     "RuntimeError: DataLoader worker (pid 402) is killed by signal: " + how + ".");
  };
  auto judge = [&](const std::string& signalled) {
    return Judge({{"node_0/attempt_0/0/stderr.log", signalled + died("Terminated")},
                  {"node_0/attempt_0/1/stderr.log", died("Killed")}});
  };
  Verdict verdict = judge("[rank: 0] Received SIGTERM: 15\n" + Closed(0));
  EXPECT_EQ(verdict.failure, "dataloader_worker_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
  // Nobody signalled its process, and nothing had failed before: either may have been the first.
  EXPECT_TRUE(judge("").culprits.empty());
  // Its process had waited in vain before, as its launcher ended it.
  EXPECT_EQ(judge(Closed(0)).culprits, std::vector<int32_t>{1});
  verdict = Judge({{"rank_0.log", Steps(1, 4)}, {"rank_1.log", Steps(1, 4) + Closed(1) + died("Terminated")}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
  verdict = Judge({{"rank_0.log", Steps(1, 4)}, {"rank_1.log", Steps(1, 4) + died("Terminated") + Closed(1)}});
  EXPECT_EQ(verdict.failure, "dataloader_worker_killed");
}

TEST(Judge, ReadsAVictimsTracebackBehindTheStampsOfTs) {
  auto stamped = [](const std::string& text) {
    std::string all;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) all += "Mar  4 07:06:23 " + line + "\n";
    return all;
  };
  Verdict verdict = Judge({{"rank_0.log", stamped(Steps(1, 3))}, {"rank_1.log", stamped(Steps(1, 3) + Closed(1))}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

TEST(Judge, BlamesTheRankWhoseProgramSaysItsExceptionInALine) {
  const std::string victims =
      "fatal: RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:561] Connection closed by peer "
      "[127.0.0.1]:55491.\n";
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 3) + "[rank 0] " + victims},
                           {"rank_1.log", Steps(1, 3) + "[rank 1] fatal: KeyError: 'labels'\n"},
                           {"rank_2.log", Steps(1, 3)}});
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, BlamesTheRankThatItsPeersSawGoForAnOutOfMemoryOfItsPod) {
  const std::string closed =
      "RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:561] Connection closed by peer "
      "[127.0.0.1]:55491.\n";
  const Verdict verdict = Judge({{"rank_0.log", Steps(1, 3) + closed},
                                 {"rank_1.log", Steps(1, 3) + closed},
                                 {"rank_2.log", Steps(1, 3)},
                                 {"describe.txt", "State: Terminated\n  Reason:       OOMKilled\n"}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

TEST(Judge, BlamesTheRankWhoseFilesAreEmptyWhenItsPeerSawItGo) {
  Verdict verdict = Judge({{"none_x/attempt_0/0/stdout.log", Steps(1, 4)},
                           {"none_x/attempt_0/0/stderr.log", Closed(0)},
                           {"none_x/attempt_0/1/stdout.log", ""},
                           {"none_x/attempt_0/1/stderr.log", ""}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.kind, "silent_death");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, BlamesTheRankThatLeftNoFileWhenAllThatDidSawItGo) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + Closed(0)}, {"rank_1.log", Closed(1)}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

TEST(Judge, BlamesTheRankBetweenTheTwoThatSawItGo) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + Closed(0)},
                           {"rank_1.log", Steps(1, 4)},
                           {"rank_2.log", Steps(1, 4) + Closed(2)},
                           {"rank_3.log", Steps(1, 4)},
                           {"rank_4.log", Steps(1, 4)}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, BlamesTheSilentRankRatherThanOneOfTwoThatSawItGoAtUnlikePlaces) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + RaisedInBackward(28, "pair.cc:561] Connection closed by peer")},
                           {"rank_1.log", Steps(1, 4)},
                           {"rank_2.log", Steps(1, 4) + Closed(2)}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, NamesBothSilentRanksOfWhichEitherMayHaveGone) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + Closed(0)},
                           {"rank_1.log", Steps(1, 4)},
                           {"rank_2.log", Steps(1, 4) + Closed(2)},
                           {"rank_3.log", Steps(1, 4)}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, (std::vector<int32_t>{1, 3}));
  EXPECT_LE(verdict.confidence, 0.5);
  EXPECT_FALSE(verdict.would_settle.empty());
}

TEST(Judge, BlamesTheRankThatAnotherCouldNotSendTo) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4)},
                           {"rank_1.log", Steps(1, 4) + CouldNot("recv")},
                           {"rank_2.log", Steps(1, 4)},
                           {"rank_3.log", Steps(1, 4) + CouldNot("send")}});
  EXPECT_EQ(verdict.failure, "gloo_error");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

TEST(Judge, BlamesNobodyForGlooWordsInOneLogOfUnknownRanks) { EXPECT_EQ(JudgeLog(Closed(0)).failure, "gloo_error"); }

std::string SawItGoInBarrier(int rank) {
  return Raised(rank, 75, "barrier", "pair.cc:545] Read error [127.0.0.1]:4711: Connection reset by peer.");
}

TEST(Judge, BlamesTheOnlySilentRankThatAllWhoSawOneGoHaveToDoWithInABarrier) {
  Files files;
  for (int rank = 0; rank < 8; ++rank) {
    const bool silent = rank == 2 || rank == 4 || rank == 7;
    files.emplace_back("rank_" + std::to_string(rank) + ".log", Steps(1, 4) + (silent ? "" : SawItGoInBarrier(rank)));
  }
  Verdict of_one = Judge(files);
  EXPECT_EQ(of_one.culprits, std::vector<int32_t>{7});
  ASSERT_FALSE(of_one.alternatives.empty());
  EXPECT_EQ(of_one.alternatives.front().failure, "collective_mismatch_hang");
  files[5].second = Steps(1, 4);
  files[0].second = Steps(1, 4);  // 1, 3 and 6: of 2, too
  Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_TRUE(verdict.culprits.empty());
}

TEST(Judge, BlamesTheOnlySilentRankThatBothABroadcastAndAnAllReduceOfThoseWhoSawOneGoGoTo) {
  const std::string closed = "pair.cc:561] Connection closed by peer [10.0.0.4]:7311.";
  Files files = {{"rank_0.log", Steps(1, 4) + Raised(0, 40, "broadcast", closed)},
                 {"rank_1.log", Steps(1, 4) + Raised(1, 52, "all_reduce", closed)},
                 {"rank_2.log", Steps(1, 4)},
                 {"rank_3.log", Steps(1, 4)}};
  EXPECT_EQ(Judge(files).culprits, std::vector<int32_t>{2});
  files[0].second = Steps(1, 4) + Raised(0, 52, "all_reduce", closed);  // of 1 or 3
  EXPECT_EQ(Judge(files).culprits, (std::vector<int32_t>{2, 3}));
}

std::string Ended(int rank, int pid) {
  return "  rank      : " + std::to_string(rank) + " (local_rank: " + std::to_string(rank) +
         ")\n  exitcode  : -15 (pid: " + std::to_string(pid) + ")  (SIGTERM)\n";
}

std::string Ending(int pid) {
  return "W1126 11:04:28.730000 611 torch/distributed/elastic/multiprocessing/api.py:1028] Sending process " +
         std::to_string(pid) + " closing signal SIGTERM\n";
}

TEST(Judge, BlamesWhoEndedBySigtermThatItsLauncherDidNotSend) {
  const std::string table = Ended(0, 620) + Ended(1, 621) + Ended(2, 622);
  Verdict verdict = JudgeLog(Closed(0) + Ending(620) + Ending(622) + table);
  EXPECT_EQ(verdict.failure, "sigterm_preempted");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
  EXPECT_EQ(JudgeLog(Closed(0) + Ending(620) + Ending(621) + Ending(622) + table).failure, "gloo_error");
}

TEST(Judge, BlamesNobodyForSigtermThatSrunTellsOfBesideALauncher) {
  const std::string failed = "failed (exitcode: 1) local_rank: 0 (pid: 620) of binary: /venv/bin/python\n";
  Verdict verdict = JudgeLog(Steps(1, 4) + Ending(621) + failed + "srun: error: node7: task 1: Terminated\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

TEST(Judge, BlamesNobodyForABarrierOfAnUnknownNumberOfRanks) {
  std::string log;
  for (int rank = 0; rank < 8; ++rank) {
    const bool silent = rank == 2 || rank == 4 || rank == 7;
    log += "[rank" + std::to_string(rank) + "]: ready\n" + (silent ? "" : SawItGoInBarrier(rank));
  }
  EXPECT_TRUE(JudgeLog(log).culprits.empty());
  EXPECT_EQ(JudgeLog("world size 8\n" + log).culprits, std::vector<int32_t>{7});
}

// Who heard of a timeout tells of a rank far above those that this excerpt has.
TEST(Judge, BlamesNobodyWhereARankIsNamedBeyondThoseThatAreKnown) {
  std::string log;
  for (const char* rank : {"0", "1", "3"}) {
    log += "[rank" + std::string(rank) + "]:[E ProcessGroupNCCL.cpp:1685] [PG ID 0 PG GUID 0(default_pg) Rank " + rank +
           "] Observed flight recorder dump signal from another rank via TCPStore.\n";
  }
  auto heard = [](const std::string& of) {
    return "[rank3]:[E ProcessGroupNCCL.cpp:1746] [PG ID 0 PG GUID 0(default_pg) Rank 3] Received a dump signal due to "
           "a collective timeout from  rank " +
           of + " and we will try our best to dump the debug info.\n";
  };
  Verdict verdict = JudgeLog(log + heard("21"));
  EXPECT_EQ(verdict.failure, "nccl_timeout");
  EXPECT_NE(verdict.root_line.find("due to a collective timeout"), std::string::npos) << verdict.root_line;
  EXPECT_TRUE(verdict.culprits.empty());
  EXPECT_EQ(JudgeLog(log + heard("1")).culprits, std::vector<int32_t>{2});
}

TEST(Judge, BlamesTheSilentRankWhoseLogEndsBeforeWhatAllOthersWentOnToPrint) {
  const std::string first = "reducer built its buckets in 12 ms\n", second = "step buffers of 4 tensors are ready\n";
  Verdict verdict = Judge({{"rank_0.log", first + second},
                           {"rank_1.log", first + second + Closed(1)},
                           {"rank_2.log", first},
                           {"rank_3.log", first + second + Closed(3)}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  // What only some went on to print tells nothing.
  verdict = Judge({{"rank_0.log", first + second},
                   {"rank_1.log", first + second + Closed(1)},
                   {"rank_2.log", first},
                   {"rank_3.log", first + Closed(3)}});
  EXPECT_EQ(verdict.culprits, (std::vector<int32_t>{0, 2}));
  EXPECT_LE(verdict.confidence, 0.5);
  ASSERT_FALSE(verdict.would_settle.empty());
  EXPECT_NE(verdict.would_settle.front().find("(0, 2)"), std::string::npos);
}

TEST(Judge, BlamesTheSilentRankThatIsAStepBehindTheOtherSilentOne) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 5)},
                           {"rank_1.log", Steps(1, 5) + Closed(1)},
                           {"rank_2.log", Steps(1, 4)},
                           {"rank_3.log", Steps(1, 5) + Closed(3)}});
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

TEST(Judge, BlamesTheOnlyRankThatEndedWithoutHavingWaitedThoughItsCodeIsOne) {
  const std::string quits = "the verifier has no answer\n";
  const Files ranks = {{"rank_0.log", Steps(1, 4) + Closed(0)},
                       {"rank_1.log", Steps(1, 4)},
                       {"rank_2.log", Steps(1, 4) + Closed(2)},
                       {"rank_3.log", Steps(1, 4) + quits}};
  Files files = ranks;
  files.emplace_back("launcher.log", Exited(3));
  Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
  files.back().second = Exited(0);  // one that waited
  EXPECT_EQ(Judge(files).failure, "gloo_error");
}

TEST(Judge, BlamesTheOnlyRankWhoseCodeIsItsOwnThoughNoTracebackNamesARank) {
  const std::string waits =
      "Traceback (most recent call last):\n  File \"/app/train.py\", line 41, in step\n    loss.backward()\n"
      "RuntimeError: [./gloo/transport/tcp/pair.cc:598] Connection closed by peer [10.0.0.4]:7311\n";
  auto ended = [](int rank, int code) {
    return "  rank      : " + std::to_string(rank) + " (local_rank: " + std::to_string(rank) +
           ")\n  exitcode  : " + std::to_string(code) + " (pid: 62" + std::to_string(rank) + ")\n";
  };
  Verdict verdict = JudgeLog(Steps(1, 4) + waits + waits + Exited(0) + ended(1, 255) + ended(2, 1) + ended(0, 1));
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
  verdict = JudgeLog(Steps(1, 4) + waits + waits + Exited(0) + ended(1, 1) + ended(2, 1) + ended(0, 1));
  EXPECT_EQ(verdict.failure, "gloo_error");
}

TEST(Judge, BlamesTheOnlySilentRankThatATableHasWithACodeBelowThoseOfOthers) {
  const std::string ended = "  rank      : 2 (local_rank: 2)\n  exitcode  : 1 (pid: 27190)\n";
  Verdict verdict = JudgeLog(Steps(1, 4) + Closed(0) + Closed(1) + Exited(0) + ended);
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  EXPECT_EQ(JudgeLog(Steps(1, 4) + Closed(0) + Closed(1) + Closed(2) + Exited(0) + ended).failure, "gloo_error");
}

TEST(Judge, BlamesWhoWasSignalledAndThenWaitedForTheOthersInVain) {
  auto judge = [](const std::string& of_rank_1) {
    return Judge({{"rank_0.log", Steps(1, 4) + TimedOut(0, 41)},
                  {"rank_1.log", Steps(1, 4) + "[rank: 1] Received SIGTERM: 15\n" + of_rank_1},
                  {"launcher.log", Ending(620) + Ending(621) + Ended(0, 620) + Ended(1, 621)}});
  };
  EXPECT_EQ(judge(TimedOut(1, 12, "broadcast")).failure, "sigterm_preempted");
  EXPECT_EQ(judge(TimedOut(1, 12, "broadcast")).culprits, std::vector<int32_t>{1});
  EXPECT_NE(judge(Closed(1)).failure, "sigterm_preempted");
}

TEST(Judge, TakesAStoreThatItsLauncherLosesAfterAPeerWentForNoRendezvous) {
  const std::string lost =
      "W0301 10:11:12.916000 99 torch/distributed/elastic/rendezvous/dynamic_rendezvous.py:1314] The node 'b_99_0' has "
      "failed to shutdown the rendezvous 'run' due to an error of type RendezvousConnectionError.\n" +
      Traceback("/venv/site-packages/torch/distributed/elastic/rendezvous/c10d_rendezvous_backend.py",
                "torch.distributed.elastic.rendezvous.api.RendezvousConnectionError: The connection to the C10d store "
                "has failed. See inner exception for details.");
  EXPECT_EQ(JudgeLog(Closed(1) + lost).failure, "host_oom_killed");
  EXPECT_EQ(JudgeLog(lost).failure, "rendezvous_failed");
}

TEST(Judge, BlamesTheSilentRankThatPartsWithASentenceOfItsOwn) {
  auto of = [](const std::string& first, const std::string& third) {
    return Judge({{"rank_0.log", Steps(1, 4) + Closed(0)},
                  {"rank_1.log", Steps(1, 4) + first},
                  {"rank_2.log", Steps(1, 4) + Closed(2)},
                  {"rank_3.log", Steps(1, 4) + third}});
  };
  const std::string quits = "the verifier has no answer\n", reads = "reading the shards of epoch 2\n";
  Verdict verdict = of("", quits);
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
  EXPECT_EQ(verdict.root_line, "the verifier has no answer");
  EXPECT_LT(verdict.confidence, 0.5);
  for (const auto& [first, third] : {std::pair(quits, quits),
                                     {quits, reads},
                                     {"", "done: 4 of 9 |###  |\n"},
                                     {"", reads + reads},
                                     {quits + reads, "reading the sha"}}) {
    EXPECT_EQ(of(first, third).failure, "host_oom_killed") << first << third;
  }
}

TEST(Judge, TakesNoNameOfAnExceptionBesideWhatItSaysForAnother) {
  std::string text;
  for (const char* rank : {"0", "2"}) {
    text +=
        std::string(R"({"stream": "event", "rank": )") + rank +
        R"(, "msg": "ends by an uncaught RuntimeError: [/gloo/transport/tcp/pair.cc:561] Connection closed by peer )"
        R"([127.0.0.1]:4711", "event": "uncaught_exception", "exception": "RuntimeError"})"
        "\n";
  }
  EXPECT_NE(Judge({{"job.jsonl", text}}).failure, "python_exception_one_rank");
}

TEST(Judge, BlamesThePodThatItsPeerSawGoForAMemoryKillThatAnEventOfItsNodeTells) {
  const std::string gone =
      "torch.distributed.DistBackendError: NCCL error in: NCCLUtils.hpp:268, remote process exited or there was a "
      "network error, NCCL version 2.21.5\n";
  const std::string event =
      "9s   Warning   OOMKilling   node/gpu-4   Memory cgroup out of memory: Killed process 41223 (python)\n";
  Verdict verdict = Judge(
      {{"trainer-worker-0.log", Steps(1, 9) + gone}, {"trainer-worker-1.log", Steps(1, 9)}, {"events.txt", event}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

}  // namespace
}  // namespace rankscope::diagnose
