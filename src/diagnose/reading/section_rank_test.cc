#include "diagnose/reading/section_rank.h"

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const std::string kRaised = Traceback("/app/run.py", "ZeroDivisionError: no tokens in the batch");

TEST(SectionRank, IsThatOfTheOutputThatALauncherShows) {
  Verdict verdict = JudgeLog(
      "----------Begin global rank 2 STDOUT----------\nstep 1\n----------End global rank 2 "
      "STDOUT----------\n----------Begin global rank 5 STDERR----------\n" +
      kRaised + "----------End global rank 5 STDERR----------\n");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{5});
}

TEST(SectionRank, IsThatOfTheFileWhoseEndWasShown) {
  Verdict verdict = JudgeLog("==> logs/rank_0.log <==\nstep 1\n\n==> logs/rank_3.log <==\n" + kRaised);
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
}

TEST(SectionRank, EndsWithItsSection) {
  Verdict ended = JudgeLog(
      "----------Begin global rank 2 STDOUT----------\nstep 1\n----------End global rank 2 "
      "STDOUT----------\n" +
      kRaised);
  EXPECT_TRUE(ended.culprits.empty());
  Verdict other = JudgeLog("==> logs/rank_0.log <==\nstep 1\n\n==> logs/console.log <==\n" + kRaised);
  EXPECT_TRUE(other.culprits.empty());
}

}  // namespace
}  // namespace rankscope::diagnose
