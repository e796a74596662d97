#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/testing/repetitions.h"
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

// Reports of four ranks, of which rank 2 is slow from the fourth step on, in the words of `print`: rank, step, what it
// did by itself, what the step took.
template <typename Print>
Verdict JudgeWorded(Print print) {
  std::string text;
  for (int step = 0; step < 12; ++step) {
    for (int rank = 0; rank < 4; ++rank) {
      const double longest = step < 4 ? 0.012 : 0.4;
      char line[128];
      print(line, sizeof line, rank, step, rank == 2 ? longest : 0.01, longest + 0.01);
      text += line;
    }
  }
  return JudgeLog(text);
}

TEST(SlowWork, ReadsWhatARankDidByItselfByOtherNames) {
  EXPECT_EQ(JudgeWorded([](char* line, size_t size, int rank, int step, double own, double all) {
              std::snprintf(line, size, "[rank %d] step %d loss 1.5 | fwd %.0fms | step %.3f\n", rank, step, own * 1e3,
                            all);
            }).culprits,
            std::vector<int32_t>{2});
  EXPECT_EQ(JudgeWorded([](char* line, size_t size, int rank, int step, double own, double all) {
              std::snprintf(line, size, "[rank %d] step %d loss 1.5 | fwd_bwd %.0fms | step_time %.0fms\n", rank, step,
                            own * 1e3, all * 1e3);
            }).culprits,
            std::vector<int32_t>{2});
  EXPECT_EQ(JudgeWorded([](char* line, size_t size, int rank, int step, double own, double all) {
              std::snprintf(line, size, "[rank%d] step=%d loss=1.5 local_time=%.3fs comm_time=%.3fs\n", rank, step, own,
                            all - own);
            }).culprits,
            std::vector<int32_t>{2});
  EXPECT_EQ(JudgeWorded([](char* line, size_t size, int rank, int step, double own, double all) {
              std::snprintf(line, size, "[rank %d] step=%d loss=1.5 wait=%.3f step_time=%.3f\n", rank, step, all - own,
                            all);
            }).culprits,
            std::vector<int32_t>{2});
}

TEST(SlowWork, TakesNoShareAndNoWaitForDataForWhatARankDidByItself) {
  EXPECT_TRUE(JudgeWorded([](char* line, size_t size, int rank, int step, double own, double all) {
                std::snprintf(line, size, "[rank %d] step %d loss 1.5 gpu busy %.0f %% step_time %.3f\n", rank, step,
                              own * 400, all);
              }).healthy);
  Verdict verdict = JudgeWorded([](char* line, size_t size, int rank, int step, double own, double all) {
    std::snprintf(line, size, "[rank %d] step %d loss 1.5 data wait %.3f step_time %.3f\n", rank, step, own, all);
  });
  EXPECT_NE(verdict.failure, "straggler");
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

// Ranks whose own work takes so long in each step, give or take, of which one does `times` as much from a step on.
struct Uneven {
  std::vector<double> works;
  size_t slow_rank = 0;
  int slow_from = 0;
  double times = 1;
  std::string said = {};  // before the first step
};

Verdict JudgeUneven(const Uneven& run, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> noise(0.97, 1.03);
  std::string text = run.said;
  for (int step = 1; step <= 40; ++step) {
    std::vector<double> works = run.works;
    for (double& work : works) work *= noise(random);
    if (step >= run.slow_from) works[run.slow_rank] *= run.times;
    const double longest = *std::max_element(works.begin(), works.end());
    for (size_t rank = 0; rank < works.size(); ++rank) {
      char line[128];
      std::snprintf(line, sizeof line, "[rank %zu] step %d loss 1.5 compute_time %.4f step_time %.4f\n", rank, step,
                    works[rank], longest + 0.01);
      text += line;
    }
  }
  return JudgeLog(text);
}

// Layers dealt out unevenly, and the last stage has the loss as well: of a share of a layer, or of several.
std::vector<double> WorksOfStages(size_t stages, size_t ranks_of_each, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> layers(6, 10);
  std::uniform_real_distribution<double> of_loss(0.5, 8);
  std::vector<double> works;
  for (size_t stage = 0; stage < stages; ++stage) {
    const double work = 0.02 * (layers(random) + (stage + 1 == stages ? of_loss(random) : 0));
    works.insert(works.end(), ranks_of_each, work);
  }
  return works;
}

TEST(SlowWork, TakesUnevenStagesOfAPipelineForNoStraggler) {
  for (unsigned seed = 1; seed <= base::Repetitions(30U); ++seed) {
    for (size_t stages : {2, 4, 8}) {
      const std::string said = "  pipeline_model_parallel_size .................... " + std::to_string(stages) + "\n";
      for (size_t ranks_of_each : {1, 4}) {
        const std::vector<double> works = WorksOfStages(stages, ranks_of_each, seed);
        EXPECT_TRUE(JudgeUneven({.works = works, .said = said}, seed).healthy) << stages << " stages, seed " << seed;
      }
    }
  }
}

TEST(SlowWork, TakesRanksOfWhichNoTwoAreAlikeForStagesThatNobodySpeaksOf) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    EXPECT_TRUE(JudgeUneven({.works = {0.10, 0.14, 0.12, 0.22}}, seed).healthy) << "seed " << seed;
  }
}

TEST(SlowWork, BlamesOneOfManyRanksThatIsSlowFromTheFirstStepOn) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    const size_t slow = seed % 16;
    Verdict verdict = JudgeUneven({.works = std::vector<double>(16, 0.1), .slow_rank = slow, .times = 1.6}, seed);
    EXPECT_EQ(verdict.failure, "straggler");
    EXPECT_EQ(verdict.culprits, std::vector<int32_t>{static_cast<int32_t>(slow)});
  }
}

TEST(SlowWork, BlamesOneOfFewRanksThatIsSlowFromTheFirstStepOn) {
  for (size_t ranks : {2, 3, 4}) {
    const Verdict verdict = JudgeUneven({.works = std::vector<double>(ranks, 0.1), .slow_rank = 1, .times = 1.7});
    EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1}) << ranks << " ranks";
  }
}

TEST(SlowWork, BlamesARankOfAPipelineThatDoesMoreThanItsStage) {
  for (const char* said : {"torchrun pretrain.py --pipeline-model-parallel-size 2 --micro-batch-size 1\n",
                           "RANK=7 STAGE=1 LAYERS=9 [9, 18) STAGE_PARAMS=1000 (0.001M)\n"}) {
    Verdict verdict =
        JudgeUneven({.works = {0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2}, .slow_rank = 2, .times = 1.8, .said = said});
    EXPECT_EQ(verdict.failure, "straggler");
    EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  }
}

TEST(SlowWork, BlamesAStageThatBecameSlowWithinTheRun) {
  Verdict verdict = JudgeUneven({.works = {0.1, 0.12, 0.1, 0.19},
                                 .slow_rank = 3,
                                 .slow_from = 21,
                                 .times = 1.6,
                                 .said = "  pipeline_model_parallel_size ....... 4\n"});
  EXPECT_EQ(verdict.failure, "straggler");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
}

TEST(SlowWork, BlamesARankWhoseBarAloneTellsItsWork) {
  Files files;
  for (int rank = 0; rank < 2; ++rank) {
    std::string bar;
    for (int drawn = 0; drawn < 28; ++drawn) {
      const int count = (drawn + 1) / 2,
                step = drawn / 2;  // each step's figures, then the count, then the next figures
      char state[128];
      std::snprintf(state, sizeof state, "\r %2d%%|#    | %d/14 [00:0%d<00:05,  2.1it/s, fwd=%.3f, loss=1.%d]",
                    count * 7, count, count / 2, rank == 1 && step > 3 ? 0.4 : 0.003, 90 - step);
      bar += state;
    }
    files.push_back({"none_x1/attempt_0/" + std::to_string(rank) + "/stderr.log", bar});
  }
  const Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.failure, "straggler");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

}  // namespace
}  // namespace rankscope::diagnose
