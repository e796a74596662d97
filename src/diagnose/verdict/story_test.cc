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

TEST(Story, OfADeathWithoutAWordTellsWhenEachRankWasLastHeardOf) {
  Files files = {{"launcher.log",
                  "2026-03-04 08:12:30 [ERROR] failed (exitcode: -9) local_rank: 1 (pid: 4131) of binary: python3\n"}};
  for (int rank : {0, 1, 2}) {
    files.emplace_back("rank_" + std::to_string(rank) + ".log", TimedSteps(60, rank == 1 ? 88 : 90));
  }
  Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  std::vector<std::pair<int32_t, int64_t>> heard;
  for (const Event& event : verdict.timeline) {
    if (event.what.starts_with("last heard of: ")) heard.emplace_back(event.rank.value_or(-1), event.step.value_or(-1));
  }
  EXPECT_EQ(heard, (std::vector<std::pair<int32_t, int64_t>>{{1, 88}, {0, 90}}))
      << "the last of all is told as the last report before it";
}

TEST(Story, OfASlowRankTellsNotThatTheOthersGotSlowerByIt) {
  Files files;
  for (int rank = 0; rank < 4; ++rank) {
    std::string text;
    for (int step = 1; step <= 60; ++step) {
      const bool late = step > 30;
      text += R"({"loss": 1.5, "step": )" + std::to_string(step) + R"(, "compute_time_s": )" +
              (rank == 2 && late ? "0.92" : "0.41") + R"(, "step_time_s": )" + (late ? "1.0" : "0.5") +
              R"(, "throughput_tokens_per_sec": )" + (late ? "21000" : "42000") + "}\n";
    }
    files.emplace_back("rank_" + std::to_string(rank) + ".log", text);
  }
  Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.failure, "straggler");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  EXPECT_EQ(verdict.figures.back(), "rank 2: its own reports show it");
  for (const std::string& told : Told(verdict)) EXPECT_EQ(told.find("cause: "), std::string::npos) << told;
  for (const Evidence& evidence : verdict.evidence) EXPECT_NE(evidence.role, "cause") << evidence.text;
}

TEST(Story, AdvisesToMakeTheFolderThatIsMissingWhereACheckpointGoes) {
  Verdict path = JudgeLog(Steps(1, 9) + "RuntimeError: Parent directory /ckpt/run7 does not exist.\n");
  ASSERT_FALSE(path.advice.empty());
  EXPECT_NE(path.advice.front().text.find("os.makedirs"), std::string::npos);
  Verdict full = JudgeLog(Steps(1, 9) + "OSError: [Errno 28] No space left on device: '/ckpt/run7/step_9.pt'\n");
  for (const Advice& advice : full.advice) EXPECT_EQ(advice.text.find("os.makedirs"), std::string::npos);
}

TEST(Story, NamesTheProgramsOwnLineThatRaised) {
  const std::string text =
      Steps(1, 5) + Traceback("/env/lib/python3.11/site-packages/pool/queue.py", "KeyError: 'mask'");
  Verdict verdict = JudgeLog(text);
  EXPECT_NE(
      std::find(verdict.figures.begin(), verdict.figures.end(), "raised from /app/train.py:88 in <module>: main()"),
      verdict.figures.end());
  auto frame = std::find_if(verdict.evidence.begin(), verdict.evidence.end(),
                            [](const Evidence& e) { return e.text.find("line 88, in <module>") != std::string::npos; });
  ASSERT_NE(frame, verdict.evidence.end());
  EXPECT_EQ(frame->line_number, 7);
  EXPECT_EQ(frame->role, "context");
}

TEST(Story, NamesNoPlaceWhereALauncherOrALibraryRaised) {
  Verdict verdict = JudgeLog(
      "Traceback (most recent call last):\n  File \"/usr/local/bin/accelerate\", line 8, in <module>\n"
      "    sys.exit(main())\n  File \"/env/lib/python3.11/site-packages/pool/run.py\", line 41, in run\n"
      "    start()\nKeyError: 'mask'\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_TRUE(verdict.figures.empty());
}

}  // namespace
}  // namespace rankscope::diagnose
