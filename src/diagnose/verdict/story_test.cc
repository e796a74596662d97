#include <algorithm>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

std::string TimedSteps(int first, int last) {
  std::string text;
  for (int step = first; step <= last; ++step) {
    text += "2026-03-04 08:" + std::to_string(10 + step / 60) + ":" + std::to_string(10 + step % 50) + " step " +
            std::to_string(step) + " loss 2.51\n";
  }
  return text;
}

std::vector<std::string> Told(const Verdict& verdict) {
  std::vector<std::string> told;
  for (const Event& event : verdict.timeline) told.push_back(event.what);
  return told;
}

TEST(Story, BeginsWithTheFirstReportAndTellsTheLastOfAllFiles) {
  Verdict verdict = Judge(
      {{"train.log", TimedSteps(120, 140) + "ValueError: no such class\n"}, {"train.log.1", TimedSteps(60, 100)}});
  ASSERT_EQ(verdict.timeline.size(), 3u);
  EXPECT_EQ(verdict.timeline[0].step, 60);
  EXPECT_EQ(verdict.timeline[1].step, 140);
}

TEST(Story, LinesBeforeTheFirstTimeOfTheirFileComeBeforeIt) {
  Verdict verdict = JudgeLog(Steps(1, 9) +
                             "slurmstepd: error: *** JOB 31 ON n4 CANCELLED AT 2026-03-04T09:00:00 DUE TO TIME LIMIT "
                             "***\n");
  EXPECT_EQ(verdict.failure, "sigterm_preempted");
  ASSERT_EQ(verdict.timeline.size(), 3u);
  EXPECT_EQ(Told(verdict).front(), "the training is under way");
  EXPECT_TRUE(verdict.timeline.back().time.has_value());
}

}  // namespace
}  // namespace rankscope::diagnose
