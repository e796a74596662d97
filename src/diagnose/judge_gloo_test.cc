#include <gtest/gtest.h>

#include <algorithm>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// gloo's words on one rank, of an exception raised in `call` at `line` of the program.
std::string Raised(int rank, int line, const std::string& call, const std::string& words) {
  const std::string head = "[rank" + std::to_string(rank) + "]: ";
  return head + "Traceback (most recent call last):\n" + head + "  File \"/app/train.py\", line " +
         std::to_string(line) + ", in step\n" + head +
         "  File \"/venv/site-packages/torch/distributed/distributed_c10d.py\", line 2806, in " + call + "\n" + head +
         "RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/" + words + "\n";
}

std::string TimedOut(int rank, int line, const std::string& call = "all_reduce") {
  return Raised(rank, line, call, "unbound_buffer.cc:78] Timed out waiting 25000ms for recv operation to complete");
}

std::string Closed(int rank) {
  return Raised(rank, 31, "all_reduce", "pair.cc:561] Connection closed by peer [127.0.0.1]:55491.");
}

// Of the gradients' reduction.
std::string RaisedInBackward(int line, const std::string& words) {
  return "Traceback (most recent call last):\n  File \"/app/train.py\", line " + std::to_string(line) +
         ", in step\n    loss.backward()\n"
         "  File \"/venv/site-packages/torch/autograd/graph.py\", line 1113, in _engine_run_backward\n"
         "    return Variable._execution_engine.run_backward(\n"
         "RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/" +
         words + "\n";
}

std::string CouldNot(const std::string& what, int line = 44) {
  return RaisedInBackward(line,
                          "unbound_buffer.cc:133] Timed out waiting 25000ms for " + what + " operation to complete");
}

std::string FailedToConnect(int rank) {
  return Raised(rank, 9, "init_process_group",
                "pair.cc:152] Gloo connectFullMesh failed: timed out connecting: Connection refused");
}

std::string Exited(int local_rank) {
  return "E1126 11:04:28.890000 26934 torch/distributed/elastic/multiprocessing/api.py:1002] failed (exitcode: 1) "
         "local_rank: " +
         std::to_string(local_rank) + " (pid: 27189) of binary: /usr/bin/python3\n";
}

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

TEST(Judge, TellsTheDeathThatTheRanksMetFromTheRestartThatTheyCouldNotJoin) {
  const auto late = [](int rank) {
    return "[rank" + std::to_string(rank) + "]: Traceback (most recent call last):\n[rank" + std::to_string(rank) +
           "]:   File \"/app/train.py\", line 12, in init_process_group\n[rank" + std::to_string(rank) +
           "]: RuntimeError: Gloo connectFullMesh failed with "
           "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:152] "
           "timed out connecting: SO_ERROR: Connection refused\n";
  };
  Verdict verdict = Judge({{"worker-0.out", Steps(1, 3) + Closed(0) + late(0)},
                           {"worker-1.out", Steps(1, 3) + late(1)},
                           {"worker-2.out", Steps(1, 3) + late(2)},
                           {"worker-3.out", Steps(1, 3) + Closed(3) + late(3)},
                           {"worker-4.out", Steps(1, 3) + late(4)}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{4});
}

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

TEST(Judge, BlamesNeitherOfTwoSilentRanksThatMayHaveGone) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + Closed(0)},
                           {"rank_1.log", Steps(1, 4)},
                           {"rank_2.log", Steps(1, 4) + Closed(2)},
                           {"rank_3.log", Steps(1, 4)}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_TRUE(verdict.culprits.empty());
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

TEST(Judge, BlamesTheTaskThatSrunHadToEndWhenTheOthersHadWaited) {
  Verdict verdict = JudgeLog(Steps(1, 4) + CouldNot("send") + CouldNot("recv") +
                             "srun: error: gpu-1: task 1: Exited with exit code 1\n"
                             "srun: error: gpu-2: task 2: Exited with exit code 1\n"
                             "srun: error: gpu-0: task 0: Killed\n");
  EXPECT_EQ(verdict.failure, "gloo_error");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

TEST(Judge, BlamesOfTwoRanksTheOneThatWentOnWithoutTheOthersCollective) {
  Verdict verdict =
      Judge({{"rank_0.log", Steps(1, 4) + CouldNot("recv")}, {"rank_1.log", Steps(1, 4) + TimedOut(1, 31, "barrier")}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

std::string CouldNotIn(const std::string& call, int rank, int line, const std::string& what) {
  return Raised(rank, line, call,
                "unbound_buffer.cc:78] Timed out waiting 25000ms for " + what + " operation to complete");
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

TEST(Judge, BlamesNobodyForTheNamesOfTasksThatSrunTerminated) {
  Verdict verdict = JudgeLog(Steps(1, 4) +
                             "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.\n"
                             "srun: error: gpu-0: task 0: Terminated\n"
                             "srun: error: gpu-1: task 1: Terminated\n");
  EXPECT_EQ(verdict.failure, "sigterm_preempted");
  EXPECT_TRUE(verdict.culprits.empty());
}

TEST(Judge, ReadsWhatSrunSaysBehindABarThatNoNewlineEnded) {
  const std::string bar = "\r 16%|##    | 2/12 [00:01<00:03, 9.1it/s, loss=1.697]";
  for (const std::string end : {"Bus error", "Killed"}) {
    Verdict verdict = JudgeLog(Steps(1, 4) + Closed(1) + bar + "srun: error: gpu-2: task 2: " + end + "\n" +
                               "srun: error: gpu-1: task 1: Terminated\n");
    EXPECT_EQ(verdict.failure, end == "Killed" ? "host_oom_killed" : "segfault_sigsegv");
    EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  }
}

TEST(Judge, DoesNotTakeAStepOfTheSameSecondForOneAfterAnEndThatTheSecondsClockTells) {
  std::string steps;
  for (int step = 1; step <= 6; ++step)
    steps += "2026-11-26 15:20:56.87" + std::to_string(step) + " step " + std::to_string(step) + " loss 1.5\n";
  Verdict verdict = JudgeLog(steps +
                             "srun: error: gpu-2: task 2: Killed\n"
                             "slurmstepd: error: *** STEP 18.0 ON gpu-0 CANCELLED AT 2026-11-26T15:20:56 ***\n"
                             "srun: error: gpu-0: task 0: Terminated\n");
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

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

TEST(Judge, TakesTasksThatSrunTerminatedAfterAFailureForItsVictims) {
  Verdict verdict = JudgeLog(Steps(1, 4) +
                             "srun: error: gpu-2: task 2: Exited with exit code 7\n"
                             "srun: Terminating StepId=18.0\n"
                             "slurmstepd: error: *** STEP 18.0 ON gpu-0 CANCELLED AT 2026-11-26T11:04:05 ***\n"
                             "srun: error: gpu-0: task 0: Terminated\n"
                             "srun: error: gpu-1: task 1: Terminated\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

TEST(Judge, BlamesNobodyForGlooWordsInOneLogOfUnknownRanks) { EXPECT_EQ(JudgeLog(Closed(0)).failure, "gloo_error"); }

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

TEST(Judge, TellsTheFailureThatTrainingMetNotThatOfTheRestartThatDidNotComeTogether) {
  Verdict verdict = JudgeLog(Steps(1, 4) + "[rank1]: " + Traceback("/app/model.py", "KeyError: 'pixel_values'") +
                             Exited(1) + FailedToConnect(0) + Exited(0));
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(std::count(verdict.figures.begin(), verdict.figures.end(), "this is of attempt 0 of 2"), 1);
}

TEST(Judge, TellsTheFailureThatTrainingMetNotTheWaitOfTheRestartBeforeItsFirstStep) {
  Verdict verdict = JudgeLog(Steps(1, 4) + "[rank1]: " + Traceback("/app/model.py", "KeyError: 'pixel_values'") +
                             Exited(1) + TimedOut(0, 9, "broadcast") + Exited(0));
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
}

TEST(Judge, TellsTheFirstFailureOfARankWhoseFileHasTheRestartToo) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + TimedOut(0, 31) + FailedToConnect(0)},
                           {"rank_1.log", TimedOut(1, 31, "barrier") + FailedToConnect(1)},
                           {"rank_2.log", TimedOut(2, 31)}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, TellsTheFirstFailureThatALauncherSawBesideRanksFilesOfAllAttempts) {
  std::string launcher = Exited(1);
  launcher.replace(launcher.find("exitcode: 1"), 11, "exitcode: -7");
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + Closed(0) + FailedToConnect(0)},
                           {"rank_1.log", Steps(1, 4) + FailedToConnect(1)},
                           {"launcher.log", launcher + Exited(0)}});
  EXPECT_EQ(verdict.failure, "segfault_sigsegv");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, TakesALaunchWhoseLauncherSawARankEndForNoWait) {
  Verdict verdict = JudgeLog(
      "[default1]:Initializing distributed: GLOBAL_RANK: 1, MEMBER: 2/2\n"
      "E1126 11:24:02.73 192 torch/distributed/elastic/multiprocessing/api.py:1002] failed "
      "(exitcode: 3) local_rank: 1 (pid: 19351) of binary: python\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

}  // namespace
}  // namespace rankscope::diagnose
