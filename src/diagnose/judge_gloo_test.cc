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

std::string FailedToConnect(int rank) {
  return Raised(rank, 9, "init_process_group",
                "pair.cc:152] Gloo connectFullMesh failed: timed out connecting: Connection refused");
}

std::string Exited(int local_rank) {
  return "E1126 11:04:28.890000 26934 torch/distributed/elastic/multiprocessing/api.py:1002] failed (exitcode: 1) "
         "local_rank: " +
         std::to_string(local_rank) + " (pid: 27189) of binary: /usr/bin/python3\n";
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

TEST(Judge, TellsTheFirstFailureOfARankWhoseFileHasTheRestartToo) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + TimedOut(0, 31) + FailedToConnect(0)},
                           {"rank_1.log", TimedOut(1, 31, "barrier") + FailedToConnect(1)},
                           {"rank_2.log", TimedOut(2, 31)}});
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
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
