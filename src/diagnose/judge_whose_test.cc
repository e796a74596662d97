#include <gtest/gtest.h>

#include "diagnose/testing/gloo_words.h"
#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const char kSteps[] =
    "[INFO] [rank 0] step 3 loss 2.1\n[INFO] [rank 1] step 3 loss 2.1\n[INFO] [rank 2] step 3 loss 2.1\n";

std::string WithPrefix(const std::string& prefix, const std::string& text) {
  std::string lines;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    end = text.find('\n', begin) + 1;
    lines += prefix + text.substr(begin, end - begin);
  }
  return lines;
}

std::string Row(int rank, int local_rank) {
  const std::string local = std::to_string(local_rank);
  return "  rank      : " + std::to_string(rank) + " (local_rank: " + local + ")\n  exitcode  : 1 (pid: 62" + local +
         ")\n";
}

const std::string kPeerClosed = Traceback(
    "/app/train.py", "RuntimeError: [./gloo/transport/tcp/pair.cc:598] Connection closed by peer [10.0.0.4]:73");
const std::string kOwn = Traceback("/app/pack.py", "ValueError: 9 rows do not fill 4 packs");

TEST(JudgeWhose, ATracebackIsOfTheRankWhoseLoggerSaysAnErrorRightAboveIt) {
  EXPECT_EQ(JudgeLog(kSteps + ("2026-04-03 18:44:26 [ERROR] [rank 2] training failed\n" + kOwn)).culprits,
            std::vector<int32_t>{2});
  EXPECT_EQ(JudgeLog(kSteps + ("[INFO] [rank 2] Exception in pack_rows:\n" + kOwn)).culprits, std::vector<int32_t>{2});
  for (const char* above : {"[INFO] [rank 2] step 4 loss 2.0\n", "[ERROR] [rank 2] retrying shard 4\nshard 4 read\n",
                            "[ERROR] training failed\n"})
    EXPECT_TRUE(JudgeLog(kSteps + (above + kOwn)).culprits.empty()) << above;
}

TEST(JudgeWhose, ATracebackIsOfTheRankThatTheLineRightAboveItAnnounces) {
  const std::string error =
      "2026-02-03 10:00:05,120 ERROR main.py:91 in <module> -- raised on host gpu4 with rank id: 5\n";
  EXPECT_EQ(JudgeLog(error + kOwn).culprits, std::vector<int32_t>{5});
  EXPECT_EQ(JudgeLog("Exception in device=TPU:6: 9 rows do not fill 4 packs\n" + kOwn).culprits,
            std::vector<int32_t>{6});
  EXPECT_TRUE(JudgeLog(error + "saving what is left\n" + kOwn).culprits.empty());
  EXPECT_TRUE(JudgeLog("2026-02-03 10:00:05,120 INFO main.py:20 in <module> -- joined with rank id: 5\n" + kOwn)
                  .culprits.empty());
}

TEST(JudgeWhose, AWorkerThatRaySawDieIsTheRankWhosePrefixHasItsPid) {
  const std::string first = "(VllmWorker rank=0 pid=4409) loading\n(VllmWorker rank=1 pid=4410) loading\n";
  const std::string died =
      "A worker died or was killed while executing a task by an unexpected system error. Worker IP address: 10.0.0.7 "
      "Worker port: 10021 Worker PID: 4410 Worker exit type: SYSTEM_ERROR\n";
  EXPECT_EQ(JudgeLog(first + died).culprits, std::vector<int32_t>{1});
  EXPECT_TRUE(JudgeLog(first + "(VllmWorker rank=5 pid=4410) loading\n" + died).culprits.empty());
}

TEST(JudgeWhose, ALineOfTensorRtLlmIsOfTheRankInItsPrefix) {
  const std::string said = "[02/03/2026-10:00:05] [TRT-LLM] [RANK 3] [E] Failed to initialize executor on rank 3: ";
  EXPECT_EQ(JudgeLog(said + "9 rows do not fill 4 packs\n" + kOwn).culprits, std::vector<int32_t>{3});
  EXPECT_TRUE(JudgeLog("[02/03/2026-10:00:05] [TRT-LLM] [RANK 3] [I] ready\nready\n" + kOwn).culprits.empty());
}

TEST(JudgeWhose, ATracebackIsOfTheOnlyRankWhoseLoggerRepeatsWhatItSays) {
  const std::string repeats = "[ERROR] [rank 2] giving up: 9 rows do not fill 4 packs\n";
  EXPECT_EQ(JudgeLog(kSteps + kOwn + repeats).culprits, std::vector<int32_t>{2});
  EXPECT_TRUE(
      JudgeLog(kSteps + kOwn + repeats + "[ERROR] [rank 1] heard: 9 rows do not fill 4 packs\n").culprits.empty());
  // What is as short may be anybody's word.
  EXPECT_TRUE(
      JudgeLog(kSteps + Traceback("/app/pack.py", "KeyError: 'mask'") + "[rank 2] no 'mask' here\n").culprits.empty());
}

TEST(JudgeWhose, ARowIsOfAVictimWhereMoreProcessesSawOneGoThanAreNamed) {
  const std::string log = Steps(1, 4) + Closed(0) + kPeerClosed + Exited(1) + Row(1, 1);
  EXPECT_EQ(JudgeLog(log).culprits, std::vector<int32_t>{1});  // rank 0 logged it, too
  EXPECT_TRUE(JudgeLog(kPeerClosed + log).culprits.empty());
}

TEST(JudgeWhose, ALauncherThatSawItsSecondProcessFailAloneHadAnother) {
  auto whose = [](int local_rank) {
    return JudgeLog(Steps(1, 4) + kOwn + Exited(local_rank) + "Failures:\n  <NO_OTHER_FAILURES>\n" +
                    Row(local_rank, local_rank))
        .evidence.front()
        .rank;
  };
  EXPECT_EQ(whose(0), std::optional<int32_t>(0));
  EXPECT_EQ(whose(1), std::nullopt);
}

TEST(JudgeWhose, ALocalRankIsNoGlobalOneWhereLaunchersTellOfTwoNodes) {
  const std::string steps = "[default0]:step 3 loss 2.1\n[default1]:step 3 loss 2.1\n";
  std::string other_agent = Exited(0);
  other_agent.replace(other_agent.find("26934"), 5, "18112");
  const std::string victim = WithPrefix("[default0]:", kPeerClosed) + other_agent + Row(0, 0);
  auto judge = [&](int rank) {
    return JudgeLog(steps + WithPrefix("[default1]:", kOwn) + Exited(1) + Row(rank, 1) + victim).culprits;
  };
  EXPECT_EQ(judge(3), std::vector<int32_t>{3});
  EXPECT_EQ(judge(1), std::vector<int32_t>{1});
}

TEST(JudgeWhose, ALocalRankIsAGlobalOneInTheFolderOfTwoLaunchesOfOneNode) {
  EXPECT_EQ(Judge({{"none_a/attempt_0/0/stderr.log", Steps(1, 4)},
                   {"none_a/attempt_0/1/stderr.log", Steps(1, 4)},
                   {"none_b/attempt_0/0/stderr.log", Steps(1, 4)},
                   {"none_b/attempt_0/1/stderr.log", Steps(1, 4) + kOwn}})
                .culprits,
            std::vector<int32_t>{1});
}

TEST(JudgeWhose, ALabelledLaunchersTableTellsTheRanksOfItsNode) {
  const std::string node_0 = WithPrefix("0: ", "[default0]:step 3 loss 2.1\n[default1]:step 3 loss 2.1\n");
  const std::string raised = WithPrefix("1: [default2]:", kOwn);
  auto judge = [&](int rank) { return JudgeLog(node_0 + raised + WithPrefix("1: ", Exited(2) + Row(rank, 2))); };
  EXPECT_EQ(judge(5).culprits, std::vector<int32_t>{5});
  EXPECT_EQ(judge(6).culprits, std::vector<int32_t>{6});
}

TEST(JudgeWhose, AChildThatCannotReadWhatItsParentHandsItIsNotTheFirstToFail) {
  const std::string orphan =
      "Traceback (most recent call last):\n  File \"<string>\", line 1, in <module>\n"
      "  File \"/venv/lib/python3.11/multiprocessing/spawn.py\", line 126, in _main\n"
      "    self = reduction.pickle.load(from_parent)\n_pickle.UnpicklingError: pickle data was truncated\n";
  const std::string killed = "Exception: process 2 terminated with signal SIGKILL\n";
  Verdict verdict = JudgeLog(killed + orphan);
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  EXPECT_FALSE(JudgeLog(orphan).healthy);
}

TEST(JudgeWhose, BothAreNamedOfTwoThatEndedAlikeOfWhichOneRaisedIt) {
  const std::string node_0 = Steps(1, 4) + kPeerClosed + Exited(0) + Row(0, 0);
  const Verdict verdict =
      Judge({{"node_0.log", node_0}, {"node_1.log", kOwn + kPeerClosed + Exited(1) + Row(4, 1) + Row(5, 2)}});
  EXPECT_EQ(verdict.culprits, (std::vector<int32_t>{4, 5}));
  EXPECT_LE(verdict.confidence, 0.5);
  EXPECT_FALSE(verdict.would_settle.empty());
  EXPECT_EQ(Judge({{"node_0.log", node_0}, {"node_1.log", kOwn + Exited(1) + Row(4, 1)}}).culprits,
            std::vector<int32_t>{4});
}

TEST(Judge, NamesTheOnlyRankThatMetWhatAKernelAsserts) {
  const std::string kernel =
      "../aten/src/ATen/native/cuda/Indexing.cu:1289: indexSelectLargeIndex: block: [14,0,0], thread: [32,0,0] "
      "Assertion `srcIndex < srcSelectDimSize` failed.\n";
  const auto met = [](const std::string& rank) {
    return "[rank" + rank + "]: RuntimeError: CUDA error: device-side assert triggered\n";
  };
  const std::string steps = Steps(1, 5);
  EXPECT_EQ(JudgeLog(steps + kernel + met("1")).culprits, std::vector<int32_t>{1});
  EXPECT_TRUE(JudgeLog(steps + kernel + met("1") + met("3")).culprits.empty());
}

TEST(JudgeWhose, WhatIsSaidRightAboveTheOnlyTracebackIsItsRanks) {
  const std::string said = "gpu07:502:568 [0] include/alloc.h:112 NCCL WARN Cuda failure 999 'unknown error'\n";
  const std::string info = "gpu07:502:568 [0] NCCL INFO channel.cc:41 -> 1\n";
  const std::string cut =
      "Traceback (most recent call last):\n  File \"/app/train.py\", line 7, in <module>\n    share()\n";
  const Verdict verdict = JudgeLog(kSteps + said + info + WithPrefix("[rank2]: ", cut));
  EXPECT_EQ(verdict.failure, "nccl_cuda_error");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  const std::string both = WithPrefix("[rank2]: ", cut) + WithPrefix("[rank1]: ", cut);
  EXPECT_TRUE(JudgeLog(kSteps + said + info + both).culprits.empty());
  EXPECT_TRUE(JudgeLog(WithPrefix("[rank2]: ", cut) + kSteps + said + info).culprits.empty());
  EXPECT_TRUE(JudgeLog(kSteps + said + cut).culprits.empty());
}

TEST(JudgeWhose, WhatNcclRefusesIsOfTheRankWhoseGroupGoes) {
  const std::string refused =
      "  what():  NCCL error in: /torch/csrc/distributed/c10d/NCCLUtils.hpp:181, unhandled cuda error, NCCL version "
      "2.10.3\n";
  EXPECT_EQ(JudgeLog(kSteps + refused + "Process Group destroyed on rank 2\n").culprits, std::vector<int32_t>{2});
  EXPECT_TRUE(JudgeLog(kSteps + refused + "info: Process Group destroyed on rank 2\n").culprits.empty());
}

TEST(JudgeWhose, ALineThatTellsTheProcessAloneIsOfTheRankThatItsOthersTell) {
  const std::string own =
      "(Worker pid=73) Traceback (most recent call last):\n(Worker pid=73)   File \"/app/a.py\", line 3, in "
      "step\n(Worker pid=73)     pack()\n(Worker pid=73) ValueError: 9 rows do not fill 4 packs\n";
  const std::string second = "(VllmWorker rank=2 pid=73) INFO 02-03 16:30:26 [worker.py:98] ready\n";
  EXPECT_EQ(JudgeLog(second + own).culprits, std::vector<int32_t>{2});
  const std::string fifth = "(VllmWorker rank=5 pid=73) INFO 02-03 16:30:26 [worker.py:98] ready\n";
  EXPECT_TRUE(JudgeLog(second + fifth + own).culprits.empty()) << "of two nodes";
}

}  // namespace
}  // namespace rankscope::diagnose
