#include <gtest/gtest.h>

#include "diagnose/testing/gloo_words.h"
#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

TEST(JudgeSrun, SeveralTasksOfOneLineEndedBeforeTheStepWasCancelled) {
  Verdict verdict = JudgeLog(Steps(1, 4) +
                             "srun: error: gpu-1: tasks 8-9,11: Aborted\n"
                             "slurmstepd: error: *** STEP 18.0 ON gpu-0 CANCELLED AT 2026-03-01T10:09:00 ***\n"
                             "srun: error: gpu-0: tasks 0-7: Terminated\n");
  EXPECT_EQ(verdict.failure, "segfault_sigsegv");
  EXPECT_FALSE(verdict.culprit);
}

TEST(Judge, BlamesTheTaskThatSrunHadToEndWhenTheOthersHadWaited) {
  Verdict verdict = JudgeLog(Steps(1, 4) + CouldNot("send") + CouldNot("recv") +
                             "srun: error: gpu-1: task 1: Exited with exit code 1\n"
                             "srun: error: gpu-2: task 2: Exited with exit code 1\n"
                             "srun: error: gpu-0: task 0: Killed\n");
  EXPECT_EQ(verdict.failure, "gloo_error");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
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

TEST(JudgeSrun, BlamesTheTaskThatSigtermEndedBeforeTheOthersFailed) {
  Verdict verdict = JudgeLog(Steps(1, 4) + Closed(0) + Closed(2) +
                             "srun: error: gpu-1: task 1: Terminated\n"
                             "srun: error: gpu-0: task 0: Exited with exit code 1\n"
                             "srun: error: gpu-2: task 2: Exited with exit code 1\n");
  EXPECT_EQ(verdict.failure, "sigterm_preempted");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(JudgeSrun, BlamesTheTaskThatSigtermEndedBeforeSrunEndedTheStep) {
  Verdict verdict = JudgeLog(Steps(1, 4) + "srun: error: gpu-1: task 1: Terminated\n" +
                             "srun: Terminating StepId=18.0\n"
                             "slurmstepd: error: *** STEP 18.0 ON gpu-0 CANCELLED AT 2026-03-01T10:09:00 ***\n"
                             "srun: error: gpu-0: task 0: Terminated\n");
  EXPECT_EQ(verdict.failure, "sigterm_preempted");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(JudgeMpirun, BlamesTheProcessThatSigtermEndedFirst) {
  auto judge = [](const std::string& signal) {
    return JudgeLog(Steps(1, 4) + Closed(0) + Closed(2) +
                    "mpirun noticed that process rank 1 with PID 4711 on node gpu-1 exited on signal " + signal +
                    ".\n");
  };
  EXPECT_EQ(judge("15 (Terminated)").failure, "sigterm_preempted");
  EXPECT_EQ(judge("15 (Terminated)").culprits, std::vector<int32_t>{1});
  EXPECT_EQ(judge("9 (Killed)").failure, "host_oom_killed");
}

TEST(JudgeSrun, BlamesNoTaskThatSigtermEndedAfterAnotherFailed) {
  Verdict verdict = JudgeLog(Steps(1, 4) + Closed(0) +
                             "srun: error: gpu-2: task 2: Exited with exit code 7\n"
                             "srun: error: gpu-1: task 1: Terminated\n"
                             "srun: error: gpu-0: task 0: Exited with exit code 1\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

TEST(Judge, TakesRanksThatSomebodyEndedAfterOneHadExitedForItsVictims) {
  Verdict verdict = JudgeLog(Steps(1, 4) +
                             "rank 0 ended: exit 3\n"
                             "rank 1 ended: SIGTERM\n"
                             "the command ended: SIGTERM\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

}  // namespace
}  // namespace rankscope::diagnose
