#include "diagnose/suspects/sampled_rows.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

using Rows = std::vector<int64_t>;

SamplerSettings Of(int64_t rows, int64_t batch, int64_t accumulation, int64_t world, int64_t seed) {
  SamplerSettings settings;
  settings.rows = rows;
  settings.batch = batch;
  settings.accumulation = accumulation;
  settings.world = world;
  settings.seed = seed;
  const int64_t batches = ((rows + batch - 1) / batch + world - 1) / world;
  settings.steps_per_epoch = (batches + accumulation - 1) / accumulation;
  settings.epochs = 5;
  settings.total_steps = 5 * *settings.steps_per_epoch;
  return settings;
}

// The values are those of accelerate 1.15 and torch 2.15.
TEST(SampledRows, AreThoseOfAcceleratesSampler) {
  EXPECT_EQ(RowsOfStep(Of(10, 2, 1, 2, 42), 0, 1), (Rows{2, 6}));
  EXPECT_EQ(RowsOfStep(Of(37, 3, 2, 2, 7), 1, 6), (Rows{7, 0, 20, 34, 4, 21}));
  EXPECT_EQ(RowsOfStep(Of(37, 2, 1, 3, 42), 2, 14), (Rows{36, 17}));
}

TEST(SampledRows, BeginAgainAtTheEndOfAnEpochThatDoesNotDivide) {
  EXPECT_EQ(RowsOfStep(Of(10, 2, 1, 2, 42), 1, 3), (Rows{2, 6}));
  EXPECT_EQ(RowsOfStep(Of(37, 2, 1, 3, 42), 2, 7), (Rows{15, 28}));
  EXPECT_EQ(RowsOfStep(Of(5, 4, 1, 3, 42), 2, 1), (Rows{0, 1, 2, 4}));
}

TEST(SampledRows, OfOneRankTheLastBatchIsShort) {
  EXPECT_EQ(RowsOfStep(Of(7, 3, 1, 1, 42), 0, 3), (Rows{2}));
  EXPECT_EQ(RowsOfStep(Of(7, 3, 1, 1, 42), 0, 4), (Rows{3, 1, 2}));
}

TEST(SampledRows, AreNotDerivedWhereReleasesDiffer) {
  SamplerSettings settings = Of(37, 3, 3, 2, 7);  // 7 batches of a rank, by threes
  settings.steps_per_epoch.reset();
  EXPECT_EQ(RowsOfStep(settings, 0, 3).size(), 3U);
  EXPECT_TRUE(RowsOfStep(settings, 0, 4).empty());
}

TEST(SampledRows, AreNotDerivedFromCountsThatContradictEachOther) {
  SamplerSettings settings = Of(37, 3, 2, 2, 7);
  settings.epochs = 6;
  EXPECT_TRUE(RowsOfStep(settings, 0, 1).empty());
  settings = Of(37, 3, 2, 2, 7);
  settings.steps_per_epoch = 5;
  EXPECT_TRUE(RowsOfStep(settings, 0, 1).empty());
  EXPECT_TRUE(RowsOfStep(Of(37, 3, 2, 2, 7), 2, 1).empty());
}

const char* const kLoop = "/env/lib/python3.11/site-packages/transformers/trainer.py";

// What the Trainer prints on the first of two ranks, from its beginning to a bar of step 5 of 20, behind which the
// other rank writes.
struct Printed {
  std::string arguments, between, heading_of_epochs = "5";
  std::vector<int> bars = {0, 1, 2, 3, 4, 5};
  std::string frame = std::string("  File \"") + kLoop + "\", line 1891, in training_step\n    loss = self.compute()\n";
  std::string rank = "[rank1]: ";
  bool redraws = false;  // the bar, without newlines

  std::string Log() const {
    std::string text = arguments +
                       "\n***** Running training *****\n  Num examples = 37\n  Num Epochs = " + heading_of_epochs +
                       "\n  Num update steps per epoch = 4\n  Instantaneous batch size per device = 3\n"
                       "  Total train batch size (w. parallel, distributed & accumulation) = 12\n"
                       "  Gradient Accumulation steps = 2\n  Total optimization steps = 20\n"
                       "  Number of trainable parameters = 1,234,567\n" +
                       between;
    for (int step : bars) {
      text += (redraws ? "\r " : "\n ") + std::to_string(5 * step) + "%|##        | " + std::to_string(step) +
              "/20 [00:10<00:30,  2.01s/it]";
    }
    std::string traced =
        "Traceback (most recent call last):\n  File \"/app/train.py\", line 12, in <module>\n"
        "    trainer.train()\n" +
        frame +
        "  File \"/app/model.py\", line 41, in forward\n    return inner(x)\n"
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n";
    for (size_t begin = 0; begin < traced.size();) {
      const size_t end = traced.find('\n', begin) + 1;
      text += rank + traced.substr(begin, end - begin);
      begin = end;
    }
    return text;
  }
};

// All that is derived, a line each.
std::string SampledBy(const Verdict& verdict) {
  std::string all;
  for (const std::string& figure : verdict.figures) {
    if (figure.find("sampler") != std::string::npos) all += figure + "\n";
  }
  return all;
}

std::string Sampled(const Printed& printed) { return SampledBy(JudgeLog(printed.Log())); }

TEST(SampledRows, AreNamedFromTheFilesAlone) {
  Printed printed;
  printed.arguments = "+ torchrun --nproc_per_node 2 train.py --seed 7 --bf16";
  EXPECT_EQ(Sampled(printed),
            "by the sampler's seed 7 rank 1 took in step 6 the rows 7, 0, 20, 34, 4, 21 of the training set (derived, "
            "not recorded)\n");
  printed.redraws = true;
  EXPECT_NE(Sampled(printed).find("rank 1 took in step 6 the rows 7, 0, 20"), std::string::npos);
}

TEST(SampledRows, AreNamedByTheSeedOfTheDataWhereThatDiffers) {
  Printed printed;
  printed.arguments = "TrainingArguments(\ndata_seed=7,\ngroup_by_length=False,\nseed=1,\n)";
  EXPECT_NE(Sampled(printed).find("seed 7 rank 1 took in step 6 the rows 7, 0, 20, 34, 4, 21 of"), std::string::npos);
  printed.arguments = R"({"event":"training_arguments","arguments":"{\"seed\": 7, \"data_seed\": null}"})";
  EXPECT_NE(Sampled(printed).find("seed 7 rank 1"), std::string::npos);
}

// Each shape of line comes twice, so that of too many shapes those that come once are dropped.
std::string ManyShapes(int first, int end) {
  std::string text;
  for (int i = first; i < end; ++i) {
    std::string word;
    for (int rest = i; rest > 0; rest /= 26) word += static_cast<char>('a' + rest % 26);
    for (int twice = 0; twice < 2; ++twice) text += "shard " + word + " has been read" + std::string(230, '.') + "\n";
  }
  return text;
}

TEST(SampledRows, AreNamedWhereNotAllLinesAreKept) {
  Printed printed;
  printed.arguments = ManyShapes(1, 18'000) + "--seed 7";
  printed.between = ManyShapes(18'000, 36'000);
  EXPECT_NE(Sampled(printed).find("seed 7 rank 1 took in step 6 the rows 7, 0, 20, 34, 4, 21 of"), std::string::npos);
}

TEST(SampledRows, SayThatTheSeedIsTheDefault) {
  EXPECT_EQ(Sampled(Printed()).find("by the sampler's seed 42 (the Trainer's default: no line tells one) rank 1"), 0U);
}

TEST(SampledRows, AreNotNamedWhereTheOrderIsAnother) {
  for (const char* arguments :
       {"--group_by_length --bf16", "--seed 7 --train_sampling_strategy sequential", "dataloader_drop_last=True,",
        "accelerator_config={'split_batches': True, 'use_seedable_sampler': True},", "seed=7,\nseed=8,",
        "\"transformers_version\": \"4.37.2\",", "--streaming true"}) {
    Printed printed;
    printed.arguments = arguments;
    EXPECT_EQ(Sampled(printed), "") << arguments;
  }
  Printed epochs;
  epochs.heading_of_epochs = "9,223,372,036,854,775,807";
  EXPECT_EQ(Sampled(epochs), "");
}

TEST(SampledRows, AreNotNamedOfAnotherLoopThanTheTrainers) {
  for (const char* frame : {"/env/swift/trainers/mixin.py", "/env/trl/trainer/grpo_trainer.py", "/app/my_trainer.py"}) {
    Printed printed;
    printed.frame += std::string("  File \"") + frame + "\", line 9, in compute_loss\n    return f()\n";
    EXPECT_EQ(Sampled(printed), "") << frame;
  }
  Printed evaluation;
  evaluation.frame = std::string("  File \"") + kLoop + "\", line 9, in prediction_step\n    return f()\n";
  EXPECT_EQ(Sampled(evaluation), "");
  Printed supervised;
  supervised.frame += "  File \"/env/trl/trainer/sft_trainer.py\", line 9, in compute_loss\n    return f()\n";
  EXPECT_NE(Sampled(supervised), "");
}

TEST(SampledRows, AStepThatIsNotKnownWouldSettleThem) {
  Printed printed;
  printed.bars = {0, 5, 10};
  Verdict verdict = JudgeLog(printed.Log());
  EXPECT_EQ(SampledBy(verdict), "");
  ASSERT_FALSE(verdict.would_settle.empty());
  EXPECT_NE(verdict.would_settle.back().find("not the step"), std::string::npos);
  printed.rank = "";
  verdict = JudgeLog(printed.Log());
  EXPECT_TRUE(std::none_of(verdict.would_settle.begin(), verdict.would_settle.end(),
                           [](const std::string& what) { return what.find("sampler") != std::string::npos; }));
}

}  // namespace
}  // namespace rankscope::diagnose
