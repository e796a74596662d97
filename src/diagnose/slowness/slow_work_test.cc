#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

struct Making {
  int steps = 12, slow_from = 5, slow_rank = 1;
  double slow_s = 0.5;
  bool named = true;
};

// What four ranks print of the steps that they do together: what each did by itself, and what the step took.
std::string Reports(const Making& making) {
  std::string text;
  for (int step = 0; step < making.steps; ++step) {
    const bool slow = step >= making.slow_from;
    for (int rank = 0; rank < 4; ++rank) {
      char line[128];
      std::snprintf(line, sizeof line, "step %d loss 1.5 compute_time %.3f step_time %.3f\n", step,
                    slow && rank == making.slow_rank ? making.slow_s : 0.001 * (1 + (step + rank) % 3),
                    slow ? making.slow_s + 0.01 : 0.02);
      if (making.named) text += "[rank " + std::to_string(rank) + "] ";
      text += line;
    }
  }
  return text;
}

TEST(SlowWork, BlamesTheRankThatBecameSlowWithinTheRun) {
  Verdict verdict = JudgeLog(Reports({}));
  EXPECT_EQ(verdict.failure, "straggler");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(SlowWork, BlamesTheRankThatBecameSlowLateInALongRun) {
  Verdict verdict = JudgeLog(Reports({.steps = 40, .slow_from = 31, .slow_rank = 3}));
  EXPECT_EQ(verdict.failure, "straggler");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
}

TEST(SlowWork, SeesAStragglerAmongReportsThatNameNoRankAndBlamesNobody) {
  Verdict verdict = JudgeLog(Reports({.named = false}));
  EXPECT_EQ(verdict.failure, "straggler");
  EXPECT_TRUE(verdict.culprits.empty());
}

TEST(SlowWork, TakesWorkThatIsLittleOfAStepForNoStraggler) {
  std::string text;
  for (int step = 0; step < 12; ++step) {
    for (int rank = 0; rank < 4; ++rank) {
      text += "[rank " + std::to_string(rank) + "] step " + std::to_string(step) + " loss 1.5 compute_time " +
              (rank == 2 ? "0.009" : "0.002") + " step_time 0.100\n";
    }
  }
  EXPECT_TRUE(JudgeLog(text).healthy);
}

TEST(SlowWork, TakesRanksThatAreLateByTurnsForNoStraggler) {
  std::string text;
  for (int step = 0; step < 16; ++step) {
    for (int rank = 0; rank < 4; ++rank) {
      text += "[rank " + std::to_string(rank) + "] step " + std::to_string(step) + " loss 1.5 compute_time " +
              (rank == step % 4 ? "0.090" : "0.040") + " step_time 0.100\n";
    }
  }
  EXPECT_TRUE(JudgeLog(text).healthy);
}

}  // namespace
}  // namespace rankscope::diagnose
