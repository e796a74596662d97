#include "diagnose/reading/attempts.h"

#include <gtest/gtest.h>

#include "diagnose/case/record_case.h"
#include "diagnose/signatures/signature_set.h"
#include "diagnose/testing/gloo_words.h"
#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// A stored job of two ranks whose first attempt an exception of rank 1 ended.
class RestartedJobTest : public testing::Test {
 protected:
  void Add(int attempt, int second, int rank, const std::string& rest) {
    char head[160];
    std::snprintf(head, sizeof head, R"({"timestamp":"2026-04-01T00:0%d:%02dZ","attempt":%d,"rank":%d,)", attempt,
                  second, attempt, rank);
    records_.Add(head + rest + "}");
  }
  void Steps(int attempt) {
    for (int step = 1; step <= 10; ++step) {
      for (int rank = 0; rank < 2; ++rank) {
        Add(attempt, step, rank, R"("stream":"metric","loss":2,"step":)" + std::to_string(step));
      }
    }
  }
  void SetUp() override {
    Steps(0);
    Add(0, 11, 1,
        R"("stream":"stderr","msg":"Traceback (most recent call last):\n  File \"t.py\", line 3, in f\nKeyError: 'a'")");
    Add(0, 12, 1, R"("stream":"event","event":"rank_exit","msg":"rank 1 ended: exit 1")");
    Add(0, 13, 0, R"("stream":"stderr","msg":"Sending process 77 closing signal SIGTERM")");
    Add(0, 14, 0, R"("stream":"event","event":"rank_exit","msg":"rank 0 ended: SIGTERM")");
    Steps(1);
  }
  Verdict Judge(int32_t last_launch = 0) {
    read_ = records_.End();
    read_.last_launch = last_launch;
    return Diagnose(read_, {});
  }

  RecordCase records_{"job j", TellingLines()};
  Case read_;
};

TEST_F(RestartedJobTest, ThatEndedWellInTheEndIsHealthyAndNamesTheFailedAttempt) {
  for (int rank : {0, 1}) {
    Add(1, 20, rank,
        R"("stream":"event","event":"rank_exit","msg":"rank )" + std::to_string(rank) + " ended: exit 0\"");
  }
  Verdict verdict = Judge();
  EXPECT_TRUE(verdict.healthy);
  EXPECT_EQ(verdict.figures,
            (std::vector<std::string>{"this is of attempt 1 of 2",
                                      "attempt 0: python_exception_one_rank on rank 1, after step 10"}));
}

TEST_F(RestartedJobTest, ThatWasLaunchedAgainAndTrainsIsHealthyAndNamesTheFailureOfTheLaunchBefore) {
  Verdict verdict = Judge(/*last_launch=*/1);
  EXPECT_TRUE(verdict.healthy) << verdict.failure;
  ASSERT_EQ(verdict.alternatives.size(), 1U);
  EXPECT_EQ(verdict.alternatives[0].failure, "python_exception_one_rank");
  EXPECT_NE(verdict.alternatives[0].why_not.find("attempt 0"), std::string::npos);
}

TEST_F(RestartedJobTest, ThatFailedAndRestartsSinceItsLaunchTellsThatFailure) {
  Add(1, 21, 0,
      R"("stream":"stderr","msg":"Traceback (most recent call last):\n  File \"t.py\", line 9\nValueError: b")");
  Add(1, 22, 0, R"("stream":"event","event":"rank_exit","msg":"rank 0 ended: exit 1")");
  Steps(2);
  Verdict verdict = Judge(/*last_launch=*/1);
  EXPECT_EQ(verdict.root_line, "ValueError: b");
}

TEST_F(RestartedJobTest, WhoseMemoryRanOutTellsHowItWentSince) {
  Add(1, 21, 1,
      R"("stream":"stderr","msg":"Traceback (most recent call last):\n  File \"t.py\", line 9\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.")");
  Add(1, 22, 1, R"("stream":"event","event":"rank_exit","msg":"rank 1 ended: exit 1")");
  for (int step = 1; step <= 10; ++step) {
    Add(2, step, 1,
        R"("stream":"metric","loss":2,"gpu_memory_gib":)" + std::to_string(40 + step) + R"(,"step":)" +
            std::to_string(step));
  }
  const Verdict verdict = Judge();
  EXPECT_EQ(verdict.failure, "cuda_oom");
  EXPECT_EQ(verdict.figures.back(), "in attempt 2 after it memory went from 41.00 to 50.00 GiB in 10 reports");
}

TEST_F(RestartedJobTest, OfWhichNoEndIsKnownTellsTheFailedAttempt) {
  Verdict verdict = Judge();
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  ASSERT_FALSE(verdict.alternatives.empty());
  for (const Alternative& other : verdict.alternatives) EXPECT_GE(other.confidence, 0) << other.failure;
}

TEST(Attempts, AStrayFileOfARankDoesNotHideWhichOneFailedLast) {
  const std::string tree = "none_ab12/attempt_";
  const Verdict verdict =
      diagnose::Judge({{tree + "0/0/stdout.log", diagnose::Steps(1, 8)},
                       {tree + "0/1/stdout.log", diagnose::Steps(1, 8)},
                       {tree + "0/1/stderr.log", Traceback("/app/model.py", "KeyError: 'labels'")},
                       {tree + "1/0/stdout.log", diagnose::Steps(9, 18)},
                       {tree + "1/0/stderr.log", Traceback("/app/model.py", "ZeroDivisionError: division by zero")},
                       {tree + "1/1/stdout.log", diagnose::Steps(9, 18)},
                       {"metrics/rank_0.log", "epoch 0 begins\nepoch 1 begins\n"}});
  EXPECT_EQ(verdict.root_line, "ZeroDivisionError: division by zero");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
}

TEST(Attempts, TheSameErrorInEachIsSaidNotToGoAwayByARestart) {
  const auto judge = [](const std::vector<std::string>& errors) {
    diagnose::Files files;
    for (size_t i = 0; i < errors.size(); ++i) {
      const std::string rank = "none_ab12/attempt_" + std::to_string(i) + "/1/";
      files.emplace_back(rank + "stdout.log", diagnose::Steps(1, 8));
      files.emplace_back(rank + "stderr.log", Traceback("/app/model.py", errors[i]));
    }
    const Verdict verdict = diagnose::Judge(files);
    return verdict.restart.empty() ? "" : verdict.restart.front();
  };
  const std::string oom = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.25 GiB.";
  const std::string less = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.75 GiB.";
  const std::string key = "KeyError: 'labels'";
  EXPECT_EQ(judge({oom, oom, less}), "the same in attempts 0 to 2: restarting alone will not help");
  EXPECT_EQ(judge({oom, key, key}), "the same in attempts 1 to 2: restarting alone will not help");
  EXPECT_EQ(judge({key, key, oom}).find("the same in"), std::string::npos);
}

TEST(Attempts, ALaunchThatHasNoStepYetDoesNotHideTheFailureBeforeIt) {
  const std::string tree = "none_ab12/attempt_";
  const Verdict verdict = diagnose::Judge({{tree + "0/0/stdout.log", diagnose::Steps(1, 8)},
                                           {tree + "0/1/stdout.log", diagnose::Steps(1, 8)},
                                           {tree + "0/1/stderr.log", Traceback("/app/model.py", "KeyError: 'labels'")},
                                           {tree + "1/0/stdout.log", "rank 0 of 2: loading the shards\n"},
                                           {tree + "1/1/stdout.log", "rank 1 of 2: loading the shards\n"}});
  EXPECT_EQ(verdict.root_line, "KeyError: 'labels'");
}

// One launcher's words on a process that failed, and a rank that could not join what was started after that.
std::string SawItFail(int code, int second) {
  return "E1126 09:30:" + std::to_string(second) +
         ".400000 811 torch/distributed/elastic/multiprocessing/api.py:1002] failed (exitcode: " +
         std::to_string(code) + ") local_rank: 1 (pid: 907) of binary: python\n";
}
const char kCouldNotJoin[] =
    "[E1126 09:30:24.700000000 ProcessGroupGloo.cpp:69] Gloo connectFullMesh failed with "
    "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:152] timed out connecting: SO_ERROR: Connection refused\n"
    "[rank1]: Traceback (most recent call last):\n[rank1]:   File \"/app/train.py\", line 12, in main\n"
    "[rank1]: RuntimeError: Gloo connectFullMesh failed with "
    "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:152] timed out connecting: SO_ERROR: Connection refused\n";

TEST(Attempts, ARankKilledBeforeTheFirstStepExplainsTheRestartThatItsFileTellsOf) {
  const Verdict verdict =
      diagnose::Judge({{"ranks/rank_1.log", kCouldNotJoin}, {"launcher.log", SawItFail(-9, 17) + SawItFail(1, 27)}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Attempts, OneThatStopsShortDiedInSilenceWhereTheNextDoesNotComeTogether) {
  const std::string timeout =
      "torch.distributed.DistNetworkError: The client socket has timed out after 60000ms while trying to connect to "
      "(127.0.0.1, 29500).";
  Files files;
  for (const char* rank : {"0", "1"}) {
    files.emplace_back(std::string("none_x/attempt_0/") + rank + "/stdout.log", Steps(1, 9) + "{'loss': 2.4, 'lea");
    files.emplace_back(std::string("none_x/attempt_1/") + rank + "/stderr.log", Traceback("/app/a.py", timeout));
  }
  Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.kind, "silent_death");
  EXPECT_FALSE(verdict.culprit);
  EXPECT_EQ(verdict.figures.back(), "attempt 0: its logs stop, and nothing tells how it ended");
  files[0].second = Steps(1, 9) + "Training completed\n";
  EXPECT_EQ(Judge(files).failure, "rendezvous_failed");
}

TEST(Attempts, AWaitBeforeTheFirstStepIsNotHiddenByTheJoiningThatFailedAfterIt) {
  const std::string restart =
      "I1126 09:30:18.100000 811 torch/distributed/elastic/agent/server/api.py:941] [default] Worker group FAILED. 1/1 "
      "attempts left; will restart worker group\n";
  const Verdict verdict = diagnose::JudgeLog(TimedOut(1, 31) + SawItFail(1, 17) + restart + kCouldNotJoin);
  EXPECT_NE(verdict.root_line.find("Timed out waiting"), std::string::npos) << verdict.root_line;
}

TEST(Attempts, AJoiningThatFailedWithoutADeathBeforeItIsTheFailure) {
  for (const std::string& launcher : {SawItFail(1, 27), SawItFail(1, 17) + SawItFail(1, 27)}) {
    const Verdict verdict = diagnose::Judge({{"ranks/rank_1.log", kCouldNotJoin}, {"launcher.log", launcher}});
    EXPECT_EQ(verdict.failure, "gloo_error");
  }
}

}  // namespace
}  // namespace rankscope::diagnose
