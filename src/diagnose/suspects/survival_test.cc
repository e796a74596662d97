// What one rank's failure looks like among the lines of ranks that had not noticed yet, and what is none. Worded and
// ordered as in runs of bench/faulted_runs.py.
#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

std::string Behind(const std::string& prefix, const std::string& text) {
  std::string out;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = text.find('\n', begin);
    out += prefix + text.substr(begin, end - begin) + "\n";
  }
  return out;
}

std::string Step(int step, double seconds = 0.25) {
  char line[120];
  std::snprintf(line, sizeof line, "2026-11-26 07:16:%02d.%03d step %d loss 1.345%d lr 0.01 step_time %.3f\n", step,
                step, step, step % 10, seconds);
  return line;
}

const std::string kPeerClosed =
    "[rank0]: Traceback (most recent call last):\n[rank0]:   File \"/app/train.py\", line 40, in main\n"
    "[rank0]:     loss.backward()\n[rank0]: RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:561] "
    "Connection closed by peer [127.0.0.1]:50829.\n";

TEST(Survival, ExceptionInAMixedFileIsNotOutlivedByPeersThatFinishTheirStep) {
  std::string own = Traceback("/app/batches.py", "RuntimeError: batch 17 could not be built");
  std::string before = Step(1) + Step(1) + Step(2) + Step(2), peers = Step(3) + Step(3) + Step(3) + Step(4);
  for (const std::string& raised : {own, Behind("[rank1]: ", own)}) {
    std::string log = before;
    log += raised;
    log += peers;
    log += kPeerClosed;
    Verdict verdict = JudgeLog(log);
    EXPECT_EQ(verdict.failure, "python_exception_one_rank");
    EXPECT_EQ(verdict.root_line.substr(verdict.root_line.size() - 7), "e built");
  }
}

TEST(Survival, WhatTorchsHookOfLastResortWroteIsOutlivedByNothing) {
  std::string own = Behind("[rank1]: ", Traceback("/app/batches.py", "KeyError: 'pixel_values'"));
  Verdict verdict = JudgeLog(Step(1) + own + Step(2) + Step(3) + Step(4) + Step(5));
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Survival, ExceptionThatEndsAFileIsNotOutlivedByLinesWithOlderTimesElsewhere) {
  std::string printed;
  for (int step = 1; step < 5; ++step)
    printed += "{'loss': 5.1, 'learning_rate': 0.01, 'step': " + std::to_string(step) + "}\n";
  std::string early = "[rank1]:[W1126 07:11:45.385736641 reducer.cpp:1545] Warning: something\n";
  std::string late = "[rank0]:[W1126 07:11:45.395736641 reducer.cpp:1545] Warning: something\n";
  Verdict verdict =
      Judge({{"rank_0.log", late + printed + kPeerClosed},
             {"rank_1.log", early + Traceback("/app/batches.py", "RuntimeError: batch 17 could not be built")}});
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Survival, CaughtTracebackInAFileOfItsOwnIsHealthyWhereTheTrainingEndedWell) {
  std::string caught = "ERROR:root:prefetching shard 17 failed, it is read again\n" +
                       Traceback("/app/batches.py", "RuntimeError: batch 17 could not be built") + "some more words\n";
  std::string steps = Step(1) + Step(2) + Step(3) + Step(4);
  Files files = {{"attempt_0/0/stdout.log", steps + "training finished\n"},
                 {"attempt_0/0/stderr.log", ""},
                 {"attempt_0/1/stdout.log", steps},
                 {"attempt_0/1/stderr.log", caught}};
  EXPECT_TRUE(Judge(files).healthy);
  files[2].second = Step(1) + Step(2);
  EXPECT_FALSE(Judge(files).healthy) << "it did not come as far as the others";
}

// As an interpreter without torch's hook ends.
const std::string kRaised =
    "Traceback (most recent call last):\n  File \"/app/train.py\", line 77, in <module>\n    main()\n"
    "  File \"/app/train.py\", line 52, in main\n    batch['labels']\nKeyError: 'labels'\n";

TEST(Survival, StepsThatABufferHeldBackUntilTheProcessEndedDoNotOutliveItsTraceback) {
  const std::string steps = Step(1) + Step(2) + Step(3) + Step(4);
  Verdict verdict = Judge({{"rank_0.log", kPeerClosed + steps}, {"rank_1.log", kRaised + steps}});
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Survival, LaunchThatTrainsBehindTheTracebackOfTheOneBeforeIsHealthy) {
  std::string steps;
  for (int step = 1; step < 60; ++step) steps += Step(step) + std::string(200, '.') + "\n";
  EXPECT_TRUE(JudgeLog(kRaised + steps).healthy);
  EXPECT_TRUE(JudgeLog("srun: error: node-1: task 1: Exited with exit code 1\n" + kRaised + steps).healthy);
}

TEST(Survival, NoiseInTheTimesOfAShortRunIsNoDecay) {
  std::string text;
  for (int step = 1; step <= 12; ++step) {
    for (int rank = 0; rank < 4; ++rank) text += Step(step, step < 9 ? 0.004 : 0.010);
  }
  EXPECT_TRUE(JudgeLog(text).healthy);
}

TEST(Survival, SpreadTimesOfALongRunAreNoDecay) {
  std::string text;
  for (int step = 1; step <= 48; ++step) {
    bool slow = step % 5 < (step > 36 ? 3 : 2);
    text += Step(step, slow ? 0.9 : 0.3);
  }
  EXPECT_TRUE(JudgeLog(text).healthy);
}

TEST(Survival, SignalsToTheRanksThatAreLeftAreNoPreemption) {
  std::string own = Traceback("/app/batches.py", "KeyError: 'pixel_values'");
  Verdict verdict =
      Judge({{"rank_0.log", Step(1) + "[rank: 0] Received SIGTERM: 15\n"}, {"rank_1.log", Step(1) + own}});
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

const char* const kAborted =
    "E1126 07:14:13.331000 12934 torch/distributed/elastic/multiprocessing/api.py:1002] failed (exitcode: -6) "
    "local_rank: 1 "
    "(pid: 13188) of binary: /usr/bin/python\nRoot Cause (first observed failure):\n[0]:\n  time      : "
    "2026-11-26_07:14:12\n"
    "  rank      : 1 (local_rank: 1)\n  exitcode  : -6 (pid: 13188)  (SIGABRT)\n";

TEST(Survival, AbortThatNoLibraryAnnouncesIsTheRanksOwn) {
  Verdict verdict = JudgeLog(Step(1) + Step(1) + kPeerClosed + kAborted);
  EXPECT_EQ(verdict.failure, "segfault_sigsegv");
  EXPECT_EQ(verdict.kind, "SIGABRT");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Survival, TakesTheStackOfAnAbortForNoHang) {
  Verdict verdict =
      JudgeLog(Step(1) + Step(1) +
               "Fatal Python error: Aborted\n\nCurrent thread 0x00007f21d48fb740 (most recent call first):\n"
               "  File \"/app/kernels.py\", line 46 in launch\n  File \"/app/train.py\", line 82 in <module>\n");
  EXPECT_EQ(verdict.failure, "segfault_sigsegv");
  EXPECT_EQ(verdict.kind, "SIGABRT");
}

TEST(Survival, CrashOfASecondNodesProcessIsNotThatOfTheSameLocalRankOfTheFirst) {
  std::string other = kAborted;
  size_t at = other.find("rank      : 1");
  other.replace(at, 13, "rank      : 3");
  Verdict verdict = Judge({{"node_0.log", Step(1) + "[rank1]: x\n" + kPeerClosed}, {"node_1.log", Step(1) + other}});
  EXPECT_EQ(verdict.failure, "segfault_sigsegv");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
}

TEST(Survival, LaunchersInOneFileHaveTablesOfTheirOwn) {
  auto table = [](int node, int rank, int code) {
    std::string n = std::to_string(node) + ": ", text;
    for (const std::string& line :
         {std::string("E1126 api.py:1002] failed (exitcode: ") + std::to_string(code) + ") local_rank: 0 (pid: 1)",
          std::string("[0]:"), "  rank      : " + std::to_string(rank) + " (local_rank: 0)",
          "  exitcode  : " + std::to_string(code) + " (pid: 1)"}) {
      text += n + line + "\n";
    }
    return text;
  };
  std::string steps;
  for (int step = 1; step < 9; ++step) steps += "0: [default0]:" + Step(step) + "1: [default0]:" + Step(step);
  Verdict verdict = JudgeLog(steps + table(1, 2, -9) + table(0, 0, 1));
  EXPECT_EQ(verdict.kind, "sigkill_unexplained");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

TEST(Survival, FirstTaskThatSrunSawEndRaisedWhatNobodySignsFor) {
  Verdict verdict = JudgeLog(Step(1) + Traceback("/app/batches.py", "KeyError: 'pixel_values'") +
                             "srun: error: gpu-2: task 2: Exited with exit code 1\n"
                             "srun: error: gpu-0: task 0: Exited with exit code 1\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

TEST(Survival, RankThatFailsBeforeItJoinsIsWhatTheOthersWaitedFor) {
  std::string waited = Traceback("/venv/torch/distributed/rendezvous.py",
                                 "TimeoutError: The client socket has timed out after 25s while trying to connect to "
                                 "(127.0.0.1, 39287).");
  std::string own = Traceback("/app/tokens.py", "ValueError: 3 special tokens, 4 are expected");
  Verdict verdict = Judge({{"rank_0.log", own}, {"rank_1.log", waited}, {"rank_2.log", waited}});
  EXPECT_EQ(verdict.root_line, "ValueError: 3 special tokens, 4 are expected");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

TEST(Survival, JobThatDiedIsNotCalledSlow) {
  std::string slow, quick;
  for (int step = 1; step < 5; ++step) slow += Step(step, 0.009), quick += Step(step, 0.003);
  Verdict verdict = Judge({{"rank_0.log", quick + kPeerClosed}, {"rank_1.log", slow}, {"rank_2.log", quick}});
  EXPECT_NE(verdict.failure, "straggler");
}

TEST(Survival, RankWhoseOwnWorkTakesTheStepsTimeHoldsAllBack) {
  Files files;
  for (int rank = 0; rank < 3; ++rank) {
    std::string text;
    for (int step = 1; step <= 12; ++step) {
      text += R"({"loss": 1.5, "step": )" + std::to_string(step) + R"(, "compute_time_s": )" +
              (rank == 1 ? "0.52" : "0.01") + R"(, "step_time_s": 0.53})" + "\n";
    }
    files.emplace_back("rank_" + std::to_string(rank) + ".log", text);
  }
  Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.failure, "straggler");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Survival, WhoExpectedOneNumberAndGotMoreIsTheVictimOfWhoLeftItOut) {
  std::string thrown =
      "terminate called after throwing an instance of 'gloo::EnforceNotMet'\n  what():  [enforce fail at "
      "/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:464] op.preamble.length <= op.nbytes. 83904 vs 4. Received "
      "data "
      "size doesn't match expected size. Is there a distributed collective mismatch in your code?\n";
  Verdict verdict = Judge({{"rank_0.log", Step(1) + kPeerClosed}, {"rank_1.log", Step(1) + thrown}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

TEST(Survival, ExceptionThatAScriptCaughtAtItsOutermostLevelIsNoReasonOfAnothersEnd) {
  std::string steps, caught;
  for (int step = 1; step < 24; ++step) {
    steps += "step " + std::to_string(step) + " loss 2.0" + std::to_string(step) + "\n";
    if (step == 3) caught = steps + Traceback("/app/model.py", "KeyError: 'labels'");
  }
  caught += steps.substr(steps.find("step 4 "));
  Verdict verdict = Judge({{"launcher.log",
                            "E1126 11:04:28.890000 26934 torch/distributed/elastic/multiprocessing/api.py:874] failed "
                            "(exitcode: -9) local_rank: 0 (pid: 100) of binary: /usr/bin/python3\n"},
                           {"rank_0.log", steps},
                           {"rank_1.log", caught}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
}

TEST(Survival, WhatTheBuffersOfAllRanksHeldBackInOneFileOutlivesNoTracebackOfAModule) {
  std::string buffers;
  for (int rank = 0; rank < 8; ++rank) {
    std::string steps;
    for (int step = 4; step < 9; ++step) steps += Step(step) + std::string(300, '.') + "\n";
    buffers += Behind("[rank" + std::to_string(rank) + "]: ", steps);
  }
  ASSERT_GT(buffers.size(), 8192U);
  const std::string raised = Behind("[rank1]: ", Traceback("/app/batches.py", "KeyError: 'pixel_values'"));
  Verdict verdict = JudgeLog(raised + buffers + kPeerClosed);
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Survival, WhatABufferHeldBackOutlivesNoTracebackOfAModule) {
  std::string steps;
  for (int step = 4; step < 24; ++step)
    steps += "step " + std::to_string(step) + " loss 2.0" + std::to_string(step) + "\n";
  std::string raised =
      "Traceback (most recent call last):\n  File \"<frozen runpy>\", line 198, in _run_module_as_main\n"
      "  File \"<frozen runpy>\", line 88, in _run_code\n  File \"/app/train.py\", line 77, in <module>\n"
      "    loss = model(batch)\nKeyError: 'labels'\n";
  Verdict verdict = Judge({{"launcher.log",
                            "E1126 11:04:28.890000 26934 torch/distributed/elastic/multiprocessing/api.py:874] failed "
                            "(exitcode: 1) local_rank: 1 (pid: 100) of binary: /usr/bin/python3\n"},
                           {"rank_0.log", steps},
                           {"rank_1.log", raised + steps}});
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Survival, ABarThatIsClosedBehindAnExceptionOfALostTracebackIsNoStep) {
  const std::string bar = "  0%|          | 1/300 [00:22<61:42:17, 2.93s/it]\n";
  EXPECT_EQ(JudgeLog("RuntimeError: Ran out of memory in memory space hbm.\n" + bar).failure, "cuda_oom");
  EXPECT_TRUE(JudgeLog("allocator: Ran out of memory in memory space hbm, spilled\n" + bar).healthy);
}

}  // namespace
}  // namespace rankscope::diagnose
