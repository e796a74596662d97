#include "diagnose/reading/saved_checkpoints.h"

#include <algorithm>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

using Plan = std::vector<std::string>;

const std::string kOom = "RuntimeError: CUDA out of memory. Tried to allocate 3.10 GiB.\n";

Plan PlanOf(const std::string& log) { return JudgeLog(log).restart; }

TEST(SavedCheckpoints, OneThatWasBegunIsWholeOnceTheTrainingWentOn) {
  const std::string begun = Steps(1, 20) + "Saving model checkpoint to out/checkpoint-20\n" + Steps(21, 40) +
                            "Saving model checkpoint to out/checkpoint-40\n";
  EXPECT_EQ(PlanOf(begun + Traceback("/app/save.py", kOom)),
            (Plan{"go on from checkpoint out/checkpoint-20; 20 steps are lost",
                  "nothing tells that checkpoint out/checkpoint-40 is whole"}));
  EXPECT_EQ(PlanOf(begun + Steps(41, 43) + kOom), Plan{"go on from checkpoint out/checkpoint-40; 3 steps are lost"});
}

TEST(SavedCheckpoints, WhereEndsAreToldAStepThatFollowsIsNoEnd) {
  const std::string log = Steps(1, 20) + "saving checkpoint at iteration      20 to /ckpt/a in torch_dist format\n" +
                          "  successfully saved checkpoint from iteration      20 to /ckpt/a\n" + Steps(21, 40) +
                          "saving checkpoint at iteration      40 to /ckpt/a in torch_dist format\n" + Steps(41, 44) +
                          kOom;
  EXPECT_EQ(PlanOf(log), (Plan{"go on from checkpoint iteration 20; 24 steps are lost",
                               "nothing tells that checkpoint iteration 40 is whole"}));
}

// torchtitan names neither place nor step, others one of them.
TEST(SavedCheckpoints, AreReadInTheWordsOfEachFramework) {
  struct Words {
    std::string begun, ended, place;
  };
  const Words kWords[] = {
      {"Saving the checkpoint (or staging if async is enabled).",
       "Finished saving the checkpoint (or staging if async is enabled)in 7.25 seconds.", "of step 20"},
      {"Saving a full checkpoint at last step, step 20.",
       "Finished saving the checkpoint (or staging if async is enabled) in 7.25 seconds.", "of step 20"},
      {"Saving checkpoint for step 20...", "Checkpoint for step 20 saved.", "of step 20"},
      {"Saving checkpoint at ckpt/20", "", "ckpt/20"},
      {"Epoch 1, global step 20: 'val_loss' reached 1.5 (best 1.5), saving model to '/c/epoch=1-step=20.ckpt' as top 2",
       "", "/c/epoch=1-step=20.ckpt"},
      {"Global Checkpoint Save : Rank: 0 : Iteration: 20 : Start time: 1744400000.5s : Save duration: 4.5s", "",
       "of step 20"},
      {"Scheduled async checkpoint save for /c/step=20.ckpt",
       "Async checkpoint save for step 21 (/c/step=20.ckpt) finalized successfully.", "/c/step=20.ckpt"}};
  for (const Words& words : kWords) {
    const std::string begun = Steps(1, 20) + words.begun + "\n";
    EXPECT_EQ(PlanOf(begun + words.ended + "\n" + Steps(21, 26) + kOom),
              Plan{"go on from checkpoint " + words.place + "; 6 steps are lost"})
        << words.begun;
    EXPECT_EQ(PlanOf(begun + Traceback("/app/save.py", kOom)),
              (Plan{"the log shows no finished checkpoint: 20 steps may be lost",
                    "nothing tells that checkpoint " + words.place + " is whole"}))
        << words.begun;
  }
}

TEST(SavedCheckpoints, OneOfWhichARankDidNotTellItsPartIsNotWhole) {
  Files files;
  for (int rank = 0; rank < 3; ++rank) {
    std::string log;
    for (int step : {10, 20}) {
      const std::string tag = "global_step" + std::to_string(step);
      log +=
          Steps(step - 9, step) + "Saving model checkpoint: /ckpt/" + tag + "/rank_" + std::to_string(rank) + ".pt\n";
      const bool stuck = rank == 1 && step == 20;
      if (!stuck) log += "[Torch] Checkpoint " + tag + " is ready now!\n";
    }
    files.emplace_back("rank" + std::to_string(rank) + ".log", log + (rank == 1 ? kOom : ""));
  }
  EXPECT_EQ(Judge(files).restart, (Plan{"go on from checkpoint global_step10; 10 steps are lost",
                                        "nothing tells that checkpoint global_step20 is whole"}));
}

TEST(SavedCheckpoints, NoneIsWhatSettingsOrFailuresSpeakOf) {
  for (const char* line :
       {"no saved checkpoint found, begin anew", "save checkpoint: True", "saving checkpoint: every 4 steps",
        "will save checkpoint to out/a every 4 steps", "failed to save checkpoint to out/checkpoint-2"}) {
    EXPECT_EQ(PlanOf(Steps(1, 3) + line + "\n" + Steps(4, 5) + kOom),
              Plan{"the log shows no finished checkpoint: 5 steps may be lost"})
        << line;
  }
}

TEST(SavedCheckpoints, OneIsSavedThoughSomethingElseDidNotComeAbout) {
  EXPECT_EQ(PlanOf(Steps(1, 3) + "no gain, saved checkpoint to out/checkpoint-3\n" + Steps(4, 5) + kOom),
            Plan{"go on from checkpoint out/checkpoint-3; 2 steps are lost"});
}

TEST(SavedCheckpoints, OneWithoutAStepIsOfTheStepThatWasReported) {
  EXPECT_EQ(PlanOf(Steps(1, 20) + "Model saved to out/best.pt\n" + Steps(21, 25) + kOom),
            Plan{"go on from checkpoint out/best.pt; 5 steps are lost"});
}

}  // namespace
}  // namespace rankscope::diagnose
