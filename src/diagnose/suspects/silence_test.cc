#include "diagnose/suspects/silence.h"

#include <gtest/gtest.h>

#include "diagnose/case/record_case.h"
#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// A job of 4 ranks that reports a step each second, as its records tell it.
class SilenceTest : public testing::Test {
 protected:
  void Say(int second, int rank, const std::string& text) {
    char time[48];
    std::snprintf(time, sizeof time, "2026-04-01T10:%02d:%02dZ", second / 60, second % 60);
    std::string escaped;
    for (char c : text) escaped += c == '\n' ? "\\n" : c == '"' ? "\\\"" : std::string(1, c);
    const std::string whose = rank < 0 ? "" : ",\"rank\":" + std::to_string(rank);
    records_.Add("{\"timestamp\":\"" + std::string(time) + "\",\"job_id\":\"j\",\"stream\":\"stderr\"" + whose +
                 ",\"msg\":\"" + escaped + "\"}");
  }
  void Train(int steps) {
    for (int step = 1; step <= steps; ++step) {
      for (int rank = 0; rank < 4; ++rank) Say(step, rank, "{'loss': 2.5, 'step': " + std::to_string(step) + "}");
    }
  }
  void EndAt(int second) {
    Say(second, -1,
        "W0401 torch/distributed/elastic/agent/server/api.py:752] Received 2 death signal, shutting down workers");
    Say(second + 1, -1, "torch.distributed.elastic.multiprocessing.api.SignalException: Process 13194 got signal: 2");
  }
  Verdict Judge(base::TimeNs paused_until = 0) {
    Case read = records_.End();
    read.paused_until = paused_until;
    return Diagnose(read);
  }

  RecordCase records_{"job j", TellingLines()};
};

TEST_F(SilenceTest, WhoEndsAJobThatHangsIsNotWhyItFailed) {
  Train(20);
  EndAt(200);
  Verdict verdict = Judge();
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_EQ(verdict.kind, "silence");
  EXPECT_FALSE(verdict.culprit);
  EXPECT_FALSE(verdict.would_settle.empty());
  ASSERT_FALSE(verdict.figures.empty());
  EXPECT_EQ(verdict.figures[0],
            "nothing was heard of the training for 180 s, where at most 1.0 s between reports were usual, when it was "
            "ended from outside");
}

TEST_F(SilenceTest, RankThatTheSignalFoundOutsideOfTheCollectiveIsNamed) {
  Train(20);
  EndAt(200);
  Say(201, 2,
      "Traceback (most recent call last):\n  File \"/app/train.py\", line 14, in <module>\n    time.sleep(1000)\n"
      "KeyboardInterrupt");
  Verdict verdict = Judge();
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

// Ten steps a second, and so many seconds later a signal.
std::string FastStepsAndSignal(int seconds) {
  std::string text;
  char line[160];
  for (int step = 0; step < 20; ++step) {
    std::snprintf(line, sizeof line, "2026-04-01 10:00:%02d.%d00 [rank 0] step %d loss 2.5\n", step / 10, step % 10,
                  step);
    text += line;
  }
  std::snprintf(
      line, sizeof line,
      "2026-04-01 10:00:%02d.000 torch/distributed/elastic/agent/server/api.py:752] Received 15 death signal, "
      "shutting down workers\n",
      2 + seconds);
  return text + line;
}

TEST(Silence, ThatIsHundredsOfTimesAsLongAsUsualNeedLastNoMinute) {
  EXPECT_EQ(JudgeLog(FastStepsAndSignal(25)).failure, "process_hung");
  EXPECT_EQ(JudgeLog(FastStepsAndSignal(12)).failure, "sigterm_preempted");
}

TEST(Silence, ThatBeganWithAnEvaluationNeedsToLastAMinute) {
  std::string text = FastStepsAndSignal(25);
  text.insert(text.rfind("2026-04-01"), "2026-04-01 10:00:02.000 [rank 0] ***** Running Evaluation *****\n");
  EXPECT_EQ(JudgeLog(text).failure, "sigterm_preempted");
}

TEST_F(SilenceTest, SignalAmongStepsIsAnEndFromOutside) {
  Train(20);
  EndAt(40);
  EXPECT_EQ(Judge().failure, "sigterm_preempted");
}

TEST_F(SilenceTest, ManyRanksThatReportTogetherAreNotTakenForOneThatReportsOften) {
  for (int step = 1; step <= 6; ++step) {
    for (int rank = 0; rank < 64; ++rank) Say(180 * step, rank, "{'loss': 2.5, 'step': " + std::to_string(step) + "}");
  }
  EndAt(180 * 6 + 90);
  EXPECT_EQ(Judge().failure, "sigterm_preempted");
}

TEST_F(SilenceTest, SilenceAsLongAsOneThatWasBrokenIsNoHang) {
  Train(20);
  for (int rank = 0; rank < 4; ++rank) Say(260, rank, "{'loss': 2.5, 'step': 21}");  // after an evaluation, say
  EndAt(500);
  EXPECT_EQ(Judge().failure, "sigterm_preempted");
}

TEST_F(SilenceTest, PauseThatWasAskedForIsNoHang) {
  Train(20);
  EndAt(200);
  constexpr base::TimeNs kTen = 1'775'037'600 * base::kNsPerSecond;
  EXPECT_EQ(Judge(kTen + 190 * base::kNsPerSecond).failure, "sigterm_preempted");
}

TEST_F(SilenceTest, SaveThatTakesMinutesIsNoHang) {
  Train(20);
  Say(21, 0, "Saving model checkpoint to out/checkpoint-20");
  EndAt(200);
  EXPECT_EQ(Judge().failure, "sigterm_preempted");
}

TEST_F(SilenceTest, WhatARankRaisedBeforeTheSilenceIsTheReason) {
  Train(20);
  Say(21, 1, Traceback("/app/data.py", "KeyError: 'caption'"));
  EndAt(200);
  Verdict verdict = Judge();
  EXPECT_EQ(verdict.root_line, "KeyError: 'caption'");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST_F(SilenceTest, CountersOfAHostAreNoWordsOfAFailure) {
  records_.Add(R"({"timestamp":"2026-04-01T10:00:10Z","node_rank":0,"stream":"host","device":"mlx5_0","rx_discards":0,)"
               R"("out_of_sequence":0,"np_ecn_marked_roce_packets":3})");
  Train(20);
  EndAt(200);
  Verdict verdict = Judge();
  EXPECT_EQ(verdict.failure, "process_hung");
  for (const Evidence& evidence : verdict.evidence) EXPECT_FALSE(evidence.text.starts_with("{\"")) << evidence.text;
}

TEST_F(SilenceTest, RankThatWasKilledBeforeTheSilenceIsTheReason) {
  Train(20);
  Say(21, 1, "rank 1 ended: SIGKILL");
  EndAt(200);
  Verdict verdict = Judge();
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST_F(SilenceTest, StepThatIsReportedBehindTheTracebackIsCounted) {
  Train(20);
  Say(22, 1, Traceback("/app/data.py", "KeyError: 'caption'"));
  Say(23, 1, "{'loss': 2.5, 'step': 21}");
  Verdict verdict = Judge();
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->step, 21);
}

}  // namespace
}  // namespace rankscope::diagnose
