#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const std::string kError = "2026-03-01 10:11:12 [ERROR] the plan of shard 7 came to nothing";

TEST(LastError, IsWhatEndedALogWhoseLastWordItIs) {
  for (const std::string& before : {std::string(), Steps(1, 9)}) {
    Verdict verdict = JudgeLog(before + kError + "\n\n");
    EXPECT_EQ(verdict.failure, "python_exception_one_rank");
    EXPECT_NE(verdict.root_line.find("shard 7"), std::string::npos);
    EXPECT_LT(verdict.confidence, 0.5);
  }
}

TEST(LastError, IsNoneWhereSomethingFollowsOrTheWriterGoesOn) {
  EXPECT_TRUE(JudgeLog(Steps(1, 9) + kError + "\nthe plan of shard 8 stands\n").healthy);
  for (const char* line : {"[ERROR] shard 7 came to nothing, retrying", "[WARNING] the plan of shard 7 came to nothing",
                           "[ERROR] the plan of shard 7 will be made anew", "the plan came to nothing"}) {
    EXPECT_TRUE(JudgeLog(Steps(1, 9) + line + "\n").healthy) << line;
  }
}

TEST(LastError, IsNoneOfWhoOnlyWatchesTheTraining) {
  for (const char* line : {"2026-03-01 10:11:12,501 - wandb.wandb_agent - ERROR - the sweep has no agent",
                           "2026/03/01 10:11:12 ERROR mlflow.utils.autologging: could not log the metrics",
                           "2026-03-01 10:11:12,501 ERROR opentelemetry.sdk: spans of shard 7 were not exported",
                           "E0301 10:11:12.501000 140000 program.py:311] TensorBoard found its port taken",
                           "ERROR: pip's dependency resolver does not know all that is installed"}) {
    EXPECT_TRUE(JudgeLog(Steps(1, 9) + line + "\n").healthy) << line;
  }
}

TEST(LastError, IsNoneAfterAGoodEndAndWhereFilesHaveNoOrder) {
  EXPECT_TRUE(JudgeLog(Steps(1, 9) + "{'train_runtime': 81.2, 'epoch': 1.0}\n" + kError + "\n").healthy);
  EXPECT_TRUE(Judge({{"rank_0.log", Steps(1, 9) + kError + "\n"}, {"rank_1.log", Steps(1, 9)}}).healthy);
}

TEST(LastError, IsLessThanWhateverElseIsSaid) {
  EXPECT_EQ(JudgeLog(Steps(1, 3) + "Killed\n" + kError + "\n").failure, "host_oom_killed");
}

}  // namespace
}  // namespace rankscope::diagnose
