#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// Ranks 0 and 1 take steps from that hour on, each line with its number before it as srun -l does.
std::string StepsFrom(int hour, int steps) {
  std::string text;
  for (int step = 1; step <= steps; ++step) {
    for (int rank = 0; rank < 2; ++rank) {
      text += std::to_string(rank) + ": 2026-11-24 0" + std::to_string(hour) + ":00:" + std::to_string(10 + step) +
              " INFO step " + std::to_string(step) + " loss 2." + std::to_string(90 - step) + "\n";
    }
  }
  return text;
}

std::string Raise(const std::string& rank, const std::string& exception) {
  return rank + ": Traceback (most recent call last):\n" + rank + ":   File \"/app/mix.py\", line 9, in load\n" + rank +
         ":     row = table[key]\n" + rank + ": " + exception + "\n";
}

const std::string kOom = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.";
const std::string kEnd = "0: 2026-11-24 09:00:00 INFO Training completed.\n";

bool Says(const Verdict& verdict, const std::string& figure) {
  return std::find(verdict.figures.begin(), verdict.figures.end(), figure) != verdict.figures.end();
}

TEST(JudgeJobs, OfTwoSlurmJobsTheLastThatFailedIsToldAndTheOtherNamed) {
  const std::string first = StepsFrom(3, 9) + Raise("1", kOom), second = StepsFrom(5, 12);
  Verdict verdict =
      Judge({{"slurm-1201.out", first}, {"slurm-1207.out", second}, {"slurm-1207.err", Raise("0", "KeyError: 'cap'")}});
  EXPECT_EQ(verdict.root_line, "KeyError: 'cap'");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{0});
  EXPECT_EQ(verdict.culprit->step, 12);
  EXPECT_TRUE(Says(verdict, "this is of slurm-1207, one of 2 jobs or launches whose logs lie here"));
  EXPECT_TRUE(Says(verdict, "slurm-1201: cuda_oom on rank 1, after step 9"));
}

TEST(JudgeJobs, LaunchesThatDiedOfTheSameAreSaidToDoSoAgain) {
  Verdict verdict = Judge({{"slurm-1201.out", StepsFrom(3, 9) + Raise("1", kOom)},
                           {"slurm-1207.out", StepsFrom(5, 12) + Raise("0", kOom)}});
  ASSERT_FALSE(verdict.restart.empty());
  EXPECT_EQ(verdict.restart.front(),
            "the same in slurm-1201 to slurm-1207: launching it again will not help by itself");
}

TEST(JudgeJobs, AJobThatEndedWellDoesNotHideOneThatFailed) {
  const std::string failed = StepsFrom(5, 9) + Raise("1", kOom);
  for (const int well : {3, 7}) {
    Verdict verdict = Judge(
        {{"slurm-" + std::to_string(1200 + well) + ".out", StepsFrom(well, 9) + kEnd}, {"slurm-1205.out", failed}});
    EXPECT_EQ(verdict.failure, "cuda_oom");
    EXPECT_TRUE(Says(verdict, "slurm-" + std::to_string(1200 + well) + ": nothing is wrong with it"));
  }
}

TEST(JudgeJobs, TreesAndRunsWrittenOneAfterTheOtherAreLaunches) {
  for (const auto& [first, second] : {std::pair("none_k3f9/attempt_0/1/stdout.log", "none_p71q/attempt_0/1/stdout.log"),
                                      std::pair("run1/rank_1.log", "run2/rank_1.log")}) {
    Verdict verdict = Judge(
        {{first, StepsFrom(3, 9) + Raise("1", kOom)}, {second, StepsFrom(5, 12) + Raise("1", "KeyError: 'cap'")}});
    EXPECT_EQ(verdict.root_line, "KeyError: 'cap'") << first;
    EXPECT_EQ(verdict.culprit->step, 12) << first;
  }
}

TEST(JudgeJobs, ANodeThatSaysNothingBeforeItsLastWordsIsNoLaunch) {
  const std::string closed =
      "1: 2026-11-24 03:09:00 ERROR RuntimeError: [/gloo/transport/tcp/pair.cc:561] Connection closed by peer "
      "[10.0.0.1]:55491\n";
  Verdict verdict = Judge({{"none_k3f9/attempt_0/1/stdout.log", StepsFrom(3, 9) + Raise("1", kOom)},
                           {"none_p71q/attempt_0/1/stdout.log", closed}});
  EXPECT_EQ(verdict.failure, "cuda_oom");
}

TEST(JudgeJobs, TreesOfTwoRendezvousOfOneTimeAreJobs) {
  const Verdict verdict = Judge({{"4f1c_a81x/attempt_0/0/stdout.log", StepsFrom(3, 9)},
                                 {"4f1c_a81x/attempt_0/1/stdout.log", StepsFrom(3, 9)},
                                 {"92d0_k3f9/attempt_0/0/stdout.log", StepsFrom(3, 9)},
                                 {"92d0_k3f9/attempt_0/1/stdout.log", StepsFrom(3, 7) + Raise("1", kOom)}});
  EXPECT_EQ(verdict.culprit->step, 7);
  EXPECT_TRUE(Says(verdict, "this is of 92d0_k3f9, one of 2 jobs or launches whose logs lie here"));
}

TEST(JudgeJobs, TasksOfAnArrayAreJobs) {
  const auto task = [](int number, const std::string& rest) {
    std::string text = "SLURM_ARRAY_TASK_ID=" + std::to_string(number) + "\n";
    for (int step = 1; step <= 9; ++step) text += "step " + std::to_string(step) + " loss 2.5 lr 1e-05\n";
    return text + rest;
  };
  const std::string failed = Traceback("/app/mix.py", "KeyError: 'cap'");
  const Verdict verdict = Judge({{"sweep_812_0.out", task(0, "Training completed.\n")},
                                 {"sweep_812_1.out", task(1, failed)},
                                 {"sweep_812_2.out", task(2, "Training completed.\n")}});
  EXPECT_EQ(verdict.root_line, "KeyError: 'cap'");
  EXPECT_TRUE(Says(verdict, "this is of sweep_812_1, one of 3 jobs or launches whose logs lie here"));
  EXPECT_TRUE(Says(verdict, "sweep_812_0: nothing is wrong with it"));
}

TEST(JudgeJobs, FilesOfOneJobsRanksAndTasksAreNoJobs) {
  const std::string steps = StepsFrom(3, 9);
  for (const Files& files :
       {Files{{"run_1.log", steps}, {"run_2.log", steps + Raise("1", kOom)}},
        Files{{"slurm-77.0.out", steps}, {"slurm-77.1.out", steps + Raise("1", kOom)}},
        Files{{"sweep_812_0.out", steps}, {"sweep_812_1.out", steps + Raise("1", kOom)}},
        Files{{"a_1201/attempt_0/0/stdout.log", steps}, {"a_9k2/attempt_0/1/stdout.log", steps + Raise("1", kOom)}}}) {
    for (const std::string& figure : Judge(files).figures)
      EXPECT_EQ(figure.find("jobs or launches"), std::string::npos) << figure;
  }
}

}  // namespace
}  // namespace rankscope::diagnose
