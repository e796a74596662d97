// What the numbers of a run tell without a word of warning.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// As torchvision's examples print it: of the step, and in brackets the mean of the epoch so far.
std::string Timed(int epoch, int step, double time, double data) {
  char line[120];
  std::snprintf(line, sizeof line, "Epoch: [%d][%d/400]\tTime %.3f (0.900)\tData %.3f (0.800)\tLoss 2.3%d (2.4)\n",
                epoch, step, time, data, step % 10);
  return line;
}

TEST(Curves, WorkersThatDeliverByTurnsStarveTheTrainingThoughMostStepsDoNotWait) {
  std::string log;
  for (int step = 0; step < 16; ++step) log += step % 4 == 0 ? Timed(0, step, 6.1, 6.0) : Timed(0, step, 0.1, 0.001);
  EXPECT_EQ(JudgeLog(log).failure, "data_loading_bottleneck");
}

TEST(Curves, WaitAtEachEpochsStartIsNoBottleneck) {
  std::string log;
  for (int epoch = 0; epoch < 4; ++epoch) {
    log += Timed(epoch, 0, 6.1, 6.0);
    for (int step = 100; step < 400; step += 100) log += Timed(epoch, step, 0.1, 0.001);
  }
  EXPECT_TRUE(JudgeLog(log).healthy);
}

std::string Loss(const std::string& value, int step) {
  return "{'loss': " + value + ", 'learning_rate': 1e-05, 'step': " + std::to_string(step) + "}\n";
}

TEST(Curves, AHighLossThatIsNothingFromThenOnWasNoNumberHoweverFewReportsCameBefore) {
  const std::string zeros = Loss("0.0", 2) + Loss("0.0", 3) + Loss("0.0", 4);
  EXPECT_EQ(JudgeLog(Loss("6.13", 1) + zeros).failure, "nan_or_inf_loss");
  EXPECT_TRUE(JudgeLog(Loss("0.13", 1) + zeros).healthy);
  EXPECT_TRUE(JudgeLog(zeros + Loss("0.0", 5)).healthy);
  EXPECT_TRUE(JudgeLog(Loss("6.13", 1) + Loss("0.00", 2) + Loss("0.00", 3)).healthy) << "may be a small one";
}

std::string Losses(int first, std::initializer_list<const char*> values) {
  std::string text;
  for (const char* value : values) text += Loss(value, first++);
  return text;
}

TEST(Curves, AJumpIsToldWhereItWasHoweverFewReportsCameBefore) {
  auto root = [](const std::string& log) { return JudgeLog(log).root_line; };
  const std::string noise = Losses(2, {"7100.0", "9400.0", "5200.0", "31000.0", "88000.0", "64000.0", "120000.0"});
  EXPECT_EQ(root(Losses(1, {"0.21"}) + noise) + "\n", Loss("7100.0", 2));
  EXPECT_EQ(root(Losses(1, {"0.9", "2.4", "2.3", "2.2", "2.3", "2.2", "2.1", "60.0", "61.0", "63.0"})) + "\n",
            Loss("60.0", 8))
      << "of two the farther one";
  EXPECT_TRUE(JudgeLog(Losses(1, {"0.9", "2.4", "2.3", "2.2", "2.3", "2.2", "2.1", "2.2", "2.1"})).healthy);
}

TEST(Curves, AJumpThatIsAnnouncedIsThatOfAnotherTask) {
  const std::string before = Losses(1, {"0.9", "0.8", "0.7", "0.6", "0.5", "0.5", "0.4"}),
                    after = Losses(8, {"6.1", "5.7", "5.2", "4.9", "4.5", "4.2", "3.9", "3.8"});
  for (const char* said : {"=== Phase 2: full resolution ===", "Switching to the second data set",
                           "unfreezing the encoder", "curriculum: length 512"}) {
    EXPECT_TRUE(JudgeLog(before + said + "\n" + after).healthy) << said;
  }
  EXPECT_EQ(JudgeLog(before + "Saving checkpoint\n" + after).failure, "loss_spike_or_divergence");
  const std::string worse = Losses(16, {"70.5", "83.0", "91.0", "99.0"});
  EXPECT_EQ(JudgeLog(before + "Phase 2\n" + after + worse).root_line + "\n", Loss("70.5", 16));
}

TEST(Curves, ALossIsOneInOtherLanguagesToo) {
  for (const char* name : {"训练损失: ", "損失=", "손실 : ", "pérdida = ", "Verlust: "}) {
    auto said = [&](int step, const char* value) {
      return "[" + std::to_string(step) + "/90] " + name + value + " lr 0.0001\n";
    };
    EXPECT_TRUE(JudgeLog(said(1, "2.41") + said(2, "nan") + said(3, "2.32") + said(4, "2.30")).healthy) << name;
    EXPECT_EQ(JudgeLog(said(1, "2.41") + said(2, "2.38") + said(3, "nan") + said(4, "nan")).failure, "nan_or_inf_loss")
        << name;
  }
  const std::string weight = "损失权重: nan\n", validated = "验证损失: nan\n";
  EXPECT_TRUE(JudgeLog(Steps(1, 9) + weight + weight + validated + validated).healthy);
}

TEST(Curves, ALossThatClimbsLittleByLittleHasLeftItsCourse) {
  std::string falls, climbs;
  for (int step = 1; step <= 60; ++step) falls += Loss(std::to_string(2.5 - 0.01 * step), step);
  for (int step = 61; step <= 90; ++step) climbs += Loss(std::to_string(2 + 0.25 * (step - 60)), step);
  const Verdict verdict = JudgeLog(falls + climbs);
  EXPECT_EQ(verdict.failure, "loss_spike_or_divergence");
  EXPECT_TRUE(verdict.would_settle.empty()) << verdict.would_settle.front();
  EXPECT_EQ(verdict.root_line, Loss("3.000000", 64).substr(0, verdict.root_line.size()))
      << "the first above all before";
  EXPECT_TRUE(JudgeLog(falls + climbs.substr(0, climbs.size() / 2)).healthy) << "not far enough";
  EXPECT_TRUE(JudgeLog(climbs.substr(climbs.size() / 2) + falls + falls).healthy) << "it began high";
  EXPECT_TRUE(JudgeLog(falls + climbs + "Training completed\n").healthy) << "it was meant to";
  std::string small;
  for (int step = 1; step <= 90; ++step) small += Loss(std::to_string(0.001 * step * step / 90), step);
  EXPECT_TRUE(JudgeLog(small).healthy) << "as that of a policy does";
  std::string critic;
  for (int step = 1; step <= 90; ++step)
    critic += Loss(std::to_string(std::max(0.5, 0.1 * step - 4)) + ", 'reward': 0.7", step);
  EXPECT_TRUE(JudgeLog(critic).healthy) << "as that of a critic does";
}

TEST(Curves, ChecksForNumbersThatAreNoneFindNothingByBeingMade) {
  for (const char* text :
       {"grad check: no NaN detected", "NaNs found: 0", "raise Exception if NaN detected",
        "WARNING FloatingPointError: non-finite loss at step 30, skip batch", "skipped a step of non-finite gradients",
        "RuntimeError guard: non-finite grads are skipped", "the Exception class for a non-finite state"})
    EXPECT_TRUE(JudgeLog(Steps(1, 9) + text + "\n").healthy) << text;
  for (const char* text : {"grad check: NaN detected", "NaNs found: 12",
                           "app.errors.StateError: 5 batches were non-finite, cannot skip more"})
    EXPECT_EQ(JudgeLog(Steps(1, 9) + Traceback("/app/check.py", text)).failure, "nan_or_inf_loss") << text;
}

TEST(Curves, MeanThatIsNoNumberInABarIsALossThatIsNone) {
  const std::string bar = "steps:   1%|▏         | ";
  EXPECT_EQ(JudgeLog(bar + "1/320 [00:04<4:12, 4.6s/it, avr_loss=nan]\n" + bar +
                     "2/320 [00:08<4:10, 4.6s/it, avr_loss=nan]\n")
                .failure,
            "nan_or_inf_loss");
  EXPECT_TRUE(JudgeLog(bar + "1/320 [00:04<4:12, 4.6s/it, avr_loss=0.103]\n").healthy);
}

TEST(Curves, LossThatFallsToNothingAtOnceWasNoNumber) {
  Verdict verdict = JudgeLog(Steps(1, 6) + Loss("0.0", 7) + Loss("0.0", 8));
  EXPECT_EQ(verdict.failure, "nan_or_inf_loss");
  EXPECT_EQ(verdict.root_line + "\n", Loss("0.0", 7));
}

TEST(Curves, LossThatComesNearNothingStepByStepIsLearnt) {
  EXPECT_TRUE(JudgeLog(Steps(1, 6) + Loss("0.04", 7) + Loss("0.003", 8) + Loss("0.0", 9) + Loss("0.0", 10)).healthy);
}

TEST(Curves, LossUnderAShortNameIsSeenToBeLost) {
  std::string log =
      "[03-01 10:00:01] => [ep2 it 50/90]  L: 4.81  Acc: 12.5\n[03-01 10:00:31] => [ep2 it 89/90]  L: nan  "
      "Acc: 0.0\n";
  EXPECT_EQ(JudgeLog(log).failure, "nan_or_inf_loss");
}

// Rows of YOLO's table, whose columns' names stand in another line.
std::string Row(int epoch, const std::string& box) {
  return "     " + std::to_string(epoch) + "/299     1.86G     " + box +
         "    0.0712     0.026       113       640: 100%|##########| 16/16 [00:23<00:00,  1.44s/it]\n";
}

TEST(Curves, LossOfARowWithoutNamesIsSeenToBeLost) {
  EXPECT_EQ(JudgeLog(Row(0, "0.03") + Row(1, "0.02") + Row(2, "nan") + Row(3, "nan")).failure, "nan_or_inf_loss");
  EXPECT_TRUE(JudgeLog(Row(0, "0.03") + Row(1, "nan") + Row(2, "0.02") + Row(3, "0.01")).healthy);
}

TEST(Curves, WaitForDataIsSeenUnderPaddlesNames) {
  std::string log;
  for (int i = 0; i < 8; ++i) {
    log += "[07/04 10:05:0" + std::to_string(i) + "] ppdet.engine INFO: Epoch: [7] [" + std::to_string(435 + 5 * i) +
           "/526] learning_rate: 0.000100 loss: 4.5" + std::to_string(9 - i) +
           " eta: 2 days, 9:07:13 batch_cost: 15.2098 data_cost: 14.7445 ips: 0.6575 images/s\n";
  }
  EXPECT_EQ(JudgeLog(log).failure, "data_loading_bottleneck");
}

// As PaddleClas prints it: the first of so many epochs, and a step within it.
std::string OfFirstEpoch(int epoch, int step, const std::string& waits) {
  return "epoch: [" + std::to_string(epoch) + "/100], iter: " + std::to_string(step) +
         ", lr: 0.001000, loss: 0.69, reader_cost: " + waits + " s, batch_cost: 2.57432 s\n";
}

TEST(Curves, WaitForDataIsSeenInTheFirstOfManyEpochs) {
  std::string log, starts;
  for (int step = 0; step <= 60; step += 10) log += OfFirstEpoch(0, step, "2.33420");
  EXPECT_EQ(JudgeLog(log).failure, "data_loading_bottleneck");
  for (int epoch = 0; epoch < 4; ++epoch) {
    starts += OfFirstEpoch(epoch, 0, "2.33420");
    for (int step = 10; step <= 30; step += 10) starts += OfFirstEpoch(epoch, step, "0.00120");
  }
  EXPECT_TRUE(JudgeLog(starts).healthy);
}

TEST(Curves, WaitForDataIsSeenInFewReportsOfManyStepsEach) {
  auto log = [](int every, double waits) {
    std::string text;
    for (int i = 1; i <= 4; ++i) {
      text += "{'loss': 2." + std::to_string(i) + ", 'step': " + std::to_string(every * i) +
              ", 'step_time': 3.0, 'data_time': " + std::to_string(waits) + "}\n";
    }
    return text;
  };
  EXPECT_EQ(JudgeLog(log(20, 2.7)).failure, "data_loading_bottleneck");
  EXPECT_TRUE(JudgeLog(log(1, 2.7)).healthy) << "workers may have just begun";
  EXPECT_TRUE(JudgeLog(log(20, 2.0)).healthy) << "not so many";
}

// Of a rank whose steps take so many seconds each in the first half of the run, and in the second.
std::string Speeds(double early, double late) {
  std::string text;
  for (int step = 1; step <= 40; ++step)
    text += "step " + std::to_string(step) + " loss 2.1 step_time " + std::to_string(step <= 20 ? early : late) + "\n";
  return text;
}

TEST(Curves, NobodyIsBlamedForAThroughputThatFallsOnAllRanksAlike) {
  Verdict verdict = Judge({{"rank_0.log", Speeds(0.2, 0.5)}, {"rank_1.log", Speeds(0.2, 0.5)}});
  EXPECT_EQ(verdict.failure, "throughput_decay");
  EXPECT_TRUE(verdict.culprits.empty());
  EXPECT_FALSE(verdict.would_settle.empty());
}

// What a rank prints of 40 steps of a second, of which it waits so long for data.
std::string Waits(double seconds) {
  std::string text;
  for (int step = 1; step <= 40; ++step) {
    text += "{'loss': 2.0, 'step': " + std::to_string(step) +
            ", 'step_time': 1.0, 'data_time': " + std::to_string(seconds) + "}\n";
  }
  return text;
}

TEST(Curves, NobodyIsBlamedForDataThatAllRanksWaitForAndNoStepIsLostByIt) {
  const Verdict all = Judge({{"rank_0.log", Waits(0.7)}, {"rank_1.log", Waits(0.72)}});
  EXPECT_EQ(all.failure, "data_loading_bottleneck");
  EXPECT_TRUE(all.culprits.empty());
  EXPECT_TRUE(all.restart.empty());
  const Verdict one = Judge({{"rank_0.log", Waits(0.1)}, {"rank_1.log", Waits(0.7)}});
  EXPECT_EQ(one.failure, "data_loading_bottleneck");
  EXPECT_EQ(one.culprits, std::vector<int32_t>{1});
}

TEST(Curves, RankWhoseThroughputAloneFallsIsBlamed) {
  Verdict verdict = Judge({{"rank_0.log", Speeds(0.2, 0.2)}, {"rank_1.log", Speeds(0.2, 0.5)}});
  EXPECT_EQ(verdict.failure, "throughput_decay");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Curves, ADecayIsToldFromTheStepWhereItBeganAndGoesOnFromTheLastCheckpoint) {
  std::string log;
  for (int step = 1; step <= 80; ++step) {
    log += "step " + std::to_string(step) + " loss 2.1 step_time " + (step <= 48 || step == 60 ? "0.2" : "0.5") + "\n";
    if (step % 20 == 0) log += "Saving model checkpoint to out/checkpoint-" + std::to_string(step) + "\n";
  }
  log += "step 81 loss 2.1 step_time 0.5\n";
  Verdict verdict = JudgeLog(log);
  EXPECT_EQ(verdict.failure, "throughput_decay");
  EXPECT_EQ(verdict.root_line, "step 49 loss 2.1 step_time 0.5");
  ASSERT_FALSE(verdict.figures.empty());
  EXPECT_EQ(verdict.figures.front(), "seconds per step 0.2 early, 0.5 at last, slow from step 49 on");
  EXPECT_EQ(verdict.restart, std::vector<std::string>{"go on from checkpoint out/checkpoint-80; 1 step is lost"});
}

}  // namespace
}  // namespace rankscope::diagnose
