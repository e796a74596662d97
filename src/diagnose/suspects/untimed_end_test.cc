#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const char* const kEnd = "torch.distributed.elastic.multiprocessing.api.SignalException: Process 12887 got signal: 2\n";

// As three ranks of gloo print when somebody ends them by Ctrl-C while two wait for the third.
std::string EndedByHand(const std::string& time) {
  std::string text;
  for (int step = 1; step <= 5; ++step) {
    for (int rank : {0, 1, 2}) {
      text += time + "[rank " + std::to_string(rank) + "] step " + std::to_string(step) + " loss 2.5\n";
    }
  }
  text +=
      "[rank1]: Traceback (most recent call last):\n[rank1]:   File \"/app/train.py\", line 6, in <module>\n"
      "[rank1]:     time.sleep(1000)\n[rank1]: KeyboardInterrupt\n";
  for (const char* rank : {"[rank0]: ", "[rank2]: "}) {
    for (const char* line :
         {"Traceback (most recent call last):", "  File \"/app/train.py\", line 7, in <module>",
          "    dist.all_reduce(x)", "  File \"/x/torch/distributed/c10d_logger.py\", line 85, in wrapper",
          "    return func(*args, **kwargs)", "KeyboardInterrupt"}) {
      text.append(rank).append(line).append("\n");
    }
  }
  return text + kEnd;
}

bool OffersAHang(const Verdict& verdict) {
  return std::any_of(verdict.alternatives.begin(), verdict.alternatives.end(),
                     [](const Alternative& other) { return other.failure == "process_hung"; });
}

TEST(UntimedEnd, OffersTheHangThatNoTimesRefuteAndNamesForWhomTheOthersWaited) {
  Verdict verdict = JudgeLog(EndedByHand(""));
  EXPECT_EQ(verdict.failure, "sigterm_preempted");
  ASSERT_TRUE(OffersAHang(verdict));
  EXPECT_NE(verdict.alternatives.front().why_not.find("waited for rank 1"), std::string::npos)
      << verdict.alternatives.front().why_not;
  ASSERT_EQ(verdict.would_settle.size(), 1U);
  EXPECT_NE(verdict.would_settle[0].find("how long no step had come"), std::string::npos);
}

TEST(UntimedEnd, OffersNoneWhereReportsHaveTimes) {
  EXPECT_FALSE(OffersAHang(JudgeLog(EndedByHand("2026-04-01 10:00:00 "))));
}

TEST(UntimedEnd, OffersNoneOfAnEndByTheScheduler) {
  Verdict verdict =
      JudgeLog(Steps(1, 20) +
               "slurmstepd: error: *** JOB 99121 ON n044 CANCELLED AT 2026-03-02T05:11:40 DUE TO PREEMPTION ***\n");
  EXPECT_EQ(verdict.failure, "sigterm_preempted");
  EXPECT_FALSE(OffersAHang(verdict));
}

TEST(UntimedEnd, KnowsTheSignalOfALogThatIsCutOffInItsLastLine) {
  const std::string end = kEnd;
  EXPECT_EQ(JudgeLog(Steps(1, 20) + end.substr(0, end.find("nal: 2"))).failure, "sigterm_preempted");
}

}  // namespace
}  // namespace rankscope::diagnose
