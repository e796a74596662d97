#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

std::string Frame(const std::string& file, const std::string& function, const std::string& source) {
  return "  File \"" + file + "\", line 12, in " + function + "\n    " + source + "\n";
}

const std::string kParsing =
    "Traceback (most recent call last):\n" + Frame("/app/train.py", "<module>", "main()") +
    Frame("/venv/site-packages/transformers/hf_argparser.py", "parse_args_into_dataclasses", "obj = dtype(**inputs)") +
    Frame("/app/arguments.py", "__post_init__", "self.load_plugins()");

TEST(JudgeFrames, TellsAModuleThatAConfigurationNamesFromTheConfiguration) {
  const std::string raised = "ValueError: 7 adapters for 8 heads\n";
  EXPECT_EQ(JudgeLog(kParsing + raised).failure, "config_error");
  const std::string loading = Frame("<frozen importlib._bootstrap_external>", "exec_module", "") +
                              Frame("/app/plugin.py", "<module>", "adapt(heads)") +
                              Frame("/app/heads.py", "adapt", "raise ValueError");
  EXPECT_EQ(JudgeLog(kParsing + loading + raised).failure, "python_exception_one_rank");
}

TEST(JudgeFrames, ReadsTheRestOfABoxWhoseHeadIsCutOff) {
  const std::string box =
      "\u2502   41 \u2502   try:                                  \u2502\n"
      "\u2502 \u2771 42 \u2502   \u2502   keep(path)                      \u2502\n"
      "\u2502   43 \u2502   # a full disk would be ENOSPC here    \u2502\n"
      "\u2570\u2500\u2500\u2500\u256f\n";
  Verdict verdict = JudgeLog(box + "KeyError: 'shards'\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.root_line, "KeyError: 'shards'");
  const std::string table = "\u2502 3 \u2502 0.51 \u2502\n\u2502 4 \u2502 0.48 \u2502\n\u2570\u2500\u2500\u256f\n";
  EXPECT_TRUE(JudgeLog(Steps(1, 3) + table + "the epoch is over\n" + Steps(4, 9)).healthy);
}

// loguru's traceback, in which a mark stands before the frame that caught the exception.
std::string CaughtByLoguru(const std::string& exception) {
  return "2026-03-01 10:11:12.525 | ERROR    | guard:watch:9 - An error has been caught in function 'watch'\n"
         "Traceback (most recent call last):\n\n"
         "  File \"/app/train.py\", line 82, in <module>\n    watch(main)\n    \u2502     \u2514 <function main>\n\n"
         "> File \"/app/guard.py\", line 9, in watch\n    main()\n    \u2514 <function main>\n\n"
         "  File \"/app/train.py\", line 53, in main\n    loss.backward()\n    \u2514 tensor(1.2)\n\n" +
         exception + "\n";
}

TEST(JudgeFrames, ReadsPastTheMarkOfLoguru) {
  const std::string gone =
      CaughtByLoguru("RuntimeError: [./gloo/transport/tcp/pair.cc:598] Connection closed by peer [127.0.0.1]:4711");
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 3) + gone}, {"rank_1.log", Steps(1, 3)}, {"rank_2.log", gone}});
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

}  // namespace
}  // namespace rankscope::diagnose
