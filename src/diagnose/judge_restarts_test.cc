#include <gtest/gtest.h>

#include <algorithm>

#include "diagnose/testing/gloo_words.h"
#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

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

TEST(Judge, BlamesRank0ForTheStoreThatTheOthersCouldNotReach) {
  const std::string unreachable =
      Traceback("/venv/site-packages/torch/distributed/rendezvous.py",
                "torch.distributed.DistNetworkError: The client socket has timed out after 25000ms while trying to "
                "connect to (127.0.0.1, 29511).");
  Verdict verdict = Judge({{"rank_0.log", "loading the tokenizer\n"}, {"rank_1.log", unreachable}});
  EXPECT_EQ(verdict.failure, "rendezvous_failed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

TEST(Judge, TellsTheExceptionBeforeTheFirstStepNotThatTheOthersCouldNotJoinTheRestart) {
  const std::string raised = Traceback("/app/model.py", "AssertionError");
  Verdict verdict = Judge({{"rank_0.log", FailedToConnect(0)},
                           {"rank_1.log", FailedToConnect(1)},
                           {"rank_2.log", raised + FailedToConnect(2)}});
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

TEST(Judge, TellsTheSilentEndBeforeTheFirstStepNotThatTheRestartDidNotComeTogether) {
  auto judge = [](const std::string& before) {
    const std::string tree = "none_cd34/attempt_";
    return Judge({{tree + "0/0/stderr.log", before},
                  {tree + "0/1/stderr.log", ""},
                  {tree + "1/0/stderr.log", FailedToConnect(0)},
                  {tree + "1/1/stderr.log", ""}});
  };
  Verdict verdict = judge("");
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.kind, "silent_death");
  EXPECT_TRUE(verdict.culprits.empty());
  EXPECT_FALSE(verdict.would_settle.empty());
  EXPECT_EQ(judge(Traceback("/app/model.py", "KeyError: 'pixels'")).failure, "python_exception_one_rank");
  // The first attempt itself did not come together.
  verdict = Judge({{"none_cd34/attempt_0/0/stderr.log", FailedToConnect(0)}, {"none_cd34/attempt_0/1/stderr.log", ""}});
  EXPECT_EQ(verdict.failure, "rendezvous_failed");
}

}  // namespace
}  // namespace rankscope::diagnose
