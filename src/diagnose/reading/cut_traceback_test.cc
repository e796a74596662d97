#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const std::string kBegin =
    "Traceback (most recent call last):\n  File \"/venv/lib/python3.11/site-packages/engine/run.py\", line 88, in run\n"
    "    step(batch)\n  File \"/venv/lib/python3.11/site-packages/engine/io.py\", line 41, in take\n";

TEST(CutTraceback, TellsWhatItsLastLineRaises) {
  EXPECT_EQ(JudgeLog(kBegin + "    raise RuntimeError('received %d items of ancdata' % count)\n").failure,
            "too_many_open_files");
  EXPECT_EQ(JudgeLog(kBegin + "    raise ValueError(f\"size mismatch for {name}: copying a param\"\n").failure,
            "checkpoint_load_failed");
  EXPECT_EQ(JudgeLog(kBegin + "    raise ModuleNotFoundError(\n").failure, "missing_dependency_import_error");
  EXPECT_EQ(JudgeLog(kBegin + "    handle(received)\n").failure, "python_exception_one_rank");
}

TEST(CutTraceback, ItsRootIsTheLastLineOfCodeWhereNoneIsTheUsersOwn) {
  Verdict verdict = JudgeLog(kBegin + "    handle(received)\n    ^^^^^^^^^^^^^^^^\n");
  EXPECT_EQ(verdict.root_line, "    handle(received)");
  Verdict own = JudgeLog("Traceback (most recent call last):\n  File \"/app/train.py\", line 9, in main\n    go()\n" +
                         kBegin.substr(kBegin.find('\n') + 1) + "    handle(received)\n");
  EXPECT_EQ(own.root_line, "    go()");
}

TEST(CutTraceback, WordsBeforeItOnItsLineTellWhatWasRaised) {
  const std::string frames = kBegin.substr(kBegin.find('\n') + 1);
  Verdict verdict = JudgeLog(
      "[ERROR] (validation) no image: Expected all tensors to be on the same device, but found "
      "cuda:0 and cpu!, Traceback (most recent call last):\n" +
      frames + "    handle(received)\n");
  EXPECT_EQ(verdict.failure, "dtype_device_mismatch");
  Verdict notebook = JudgeLog(
      "ImportError                               Traceback (most recent call last)\n"
      "----> 1 import shards\n\nImportError: the shards need a newer reader\n");
  EXPECT_EQ(notebook.root_line, "ImportError: the shards need a newer reader");
  EXPECT_EQ(JudgeLog("[ERROR] main failed, Traceback (most recent call last):\n" + frames + "    go()\n").failure,
            "python_exception_one_rank");
}

}  // namespace
}  // namespace rankscope::diagnose
