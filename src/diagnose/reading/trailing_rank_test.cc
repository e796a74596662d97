#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const std::string kShards =
    "2026-02-03T10:00:07.050112Z  INFO shard-manager: text_generation_launcher: Starting shard rank=0\n"
    "2026-02-03T10:00:07.050390Z  INFO shard-manager: text_generation_launcher: Starting shard rank=2\n";
const std::string kOutput =
    "2026-02-03T10:00:19.110021Z ERROR shard-manager: text_generation_launcher: Shard complete standard error "
    "output:\n";
const std::string kRaised = Traceback("/srv/cli.py", "ZeroDivisionError: no heads on this shard");

TEST(TrailingRank, IsThatOfTheOutputAboveIt) {
  EXPECT_EQ(JudgeLog(kShards + kOutput + "\n" + kRaised + " rank=2\n").culprits, std::vector<int32_t>{2});
  EXPECT_EQ(JudgeLog(kRaised + " rank=1\n").culprits, std::vector<int32_t>{1});  // cut off above
}

TEST(TrailingRank, IsNotThatOfAnotherMessage) {
  EXPECT_TRUE(JudgeLog(kShards + kOutput + kRaised + kShards).culprits.empty());
  EXPECT_TRUE(JudgeLog(kShards + kOutput + kRaised + "the file says rank=1\n").culprits.empty());
}

TEST(TrailingRank, IsThatOfTheShardThatASignalEnded) {
  const Verdict verdict = JudgeLog(
      kShards +
      "2026-02-03T10:00:19.110021Z ERROR shard-manager: text_generation_launcher: Shard process was signaled to "
      "shutdown with signal 9 rank=2\n2026-02-03T10:00:19.210021Z ERROR text_generation_launcher: Shard 2 failed to "
      "start\n");
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  EXPECT_EQ(JudgeLog(kRaised + "Error: ShardCannotStart\n2026-02-03T10:00:19.210021Z ERROR text_generation_launcher: "
                               "Shard 1 failed to start\n")
                .culprits,
            std::vector<int32_t>{1});
}

}  // namespace
}  // namespace rankscope::diagnose
