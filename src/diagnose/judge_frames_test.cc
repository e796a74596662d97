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

TEST(JudgeFrames, ReadsOnWhereATerminalBrokeAFrame) {
  const std::string broken =
      "Traceback (most recent call last):\n  File \"/venv/bin/go\", line 8, in <module>\n    main()\n"
      "  File \"/venv/lib/python3.11/site-packages/torch/distributed/elastic/multiprocessing/errors/__init__.p\n"
      "y\", line 345, in wrapper\n    return f(*args)\n";
  Verdict verdict = JudgeLog(broken + "KeyError: 'shards'\n");
  EXPECT_EQ(verdict.root_line, "KeyError: 'shards'");
  const std::string end = "failed (exitcode: 1) local_rank: 5 (pid: 31) of binary: /venv/bin/python\n";
  EXPECT_NE(JudgeLog(end + broken).root_line.find("exitcode: 1"), std::string::npos);
}

TEST(JudgeFrames, ReadsPastReportsThatAreSortedBehindTheHeadOfATraceback) {
  const std::string head = "Traceback (most recent call last):\n", report = "{'loss': 4.81, 'epoch': 0.25}\n";
  const std::string frames = Frame("/app/train.py", "<module>", "main()") + Frame("/app/train.py", "main", "train()");
  const std::string closed = "RuntimeError: [./gloo/transport/tcp/pair.cc:598] Connection closed by peer [::1]:4711";
  const Verdict verdict = JudgeLog(Steps(1, 3) + head + report + report + frames + closed + "\n");
  EXPECT_EQ(verdict.root_line, closed);
  EXPECT_NE(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(JudgeLog(head + "ValueError: a\n" + frames + "KeyError: 'b'\n").root_line, "ValueError: a")
      << "an exception is none";
  EXPECT_TRUE(JudgeLog(Steps(1, 3) + head + Steps(4, 9)).healthy) << "nothing but a head";
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

// As a logger writes it that names the rank before each of its records.
std::string HeadedBy(const std::string& head, const std::string& exception) {
  return head + "Traceback (most recent call last):\n" + Frame("/app/agent.py", "update", "loss.backward()") +
         exception + "\n";
}

TEST(JudgeFrames, ATracebackIsOfTheRankThatStandsBeforeItsHead) {
  const std::string head = "rank:  2 | 2026-04-03 18:44:26,615 CRITICAL | ";
  const std::string oom = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB";
  EXPECT_EQ(JudgeLog(HeadedBy(head, oom)).culprits, std::vector<int32_t>{2});
  const std::string chained = HeadedBy("", "KeyError: 'masks'") +
                              "\nDuring handling of the above exception, another exception occurred:\n\n" +
                              HeadedBy("", oom);
  EXPECT_EQ(JudgeLog(head + chained).culprits, std::vector<int32_t>{2});
  // Somebody else's, who came between.
  EXPECT_TRUE(JudgeLog(head + "Traceback (most recent call last):\nloading shard 4\n" + oom + "\n").culprits.empty());
  EXPECT_TRUE(JudgeLog(HeadedBy(head, "KeyError: 'masks'") + Steps(1, 9) + HeadedBy("", oom)).culprits.empty());
}

TEST(JudgeFrames, ReadsATracebackBehindALoggersDateWithoutAYear) {
  std::string logged;
  for (const char* line : {"Traceback (most recent call last):", "  File \"/app/worker.py\", line 12, in warm_up",
                           "    self.capture(sizes)", "ValueError: 7 graphs for 8 sizes"})
    logged += "(VllmWorker rank=1 pid=411) ERROR 03-25 21:13:53 multiproc_executor.py:374] " + std::string(line) + "\n";
  Verdict verdict = JudgeLog(logged.substr(0, logged.rfind("(VllmWorker")));
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
  EXPECT_NE(verdict.root_line.find("self.capture(sizes)"), std::string::npos) << verdict.root_line;
}

TEST(JudgeFrames, ReadsALogThatIsQuoted) {
  std::string quoted;
  for (const std::string& line :
       {std::string("Traceback (most recent call last):"),
        std::string("  File \"/venv/site-packages/transformers/trainer.py\", line 31, in _save_checkpoint"),
        std::string("    os.rename(staging, output)"),
        std::string("FileNotFoundError: [Errno 2] No such file or directory: 'out/tmp-4' -> 'out/4'")})
    quoted += "> " + line + "\n";
  EXPECT_EQ(JudgeLog(quoted).failure, "checkpoint_save_failed");
}

TEST(JudgeFrames, ReadsALineThatSomebodySetInBold) {
  const std::string step = "step 7 loss 2.0\n";
  EXPECT_EQ(JudgeLog(step + "**Killed**\n").failure, "host_oom_killed");
  EXPECT_EQ(JudgeLog(step + "  **RuntimeError: 3 shards are left over** \n").failure, "python_exception_one_rank");
  EXPECT_TRUE(JudgeLog(step + "***Killed***\n").healthy);
  EXPECT_TRUE(JudgeLog(step + "**Killed the helper**\n").healthy);
}

TEST(JudgeFrames, ReadsWhatAFlowsTaskPrintsBehindItsName) {
  auto log = [](const std::string& task) {
    const std::string front = "2026-03-01 10:00:00.120 [31/" + task + "] [0badcafe-12ab-4cde-8f01-23456789abcd] ";
    return front + "Traceback (most recent call last):\n" + front +
           "  File \"/opt/lib/python3.11/site-packages/torch/serialization.py\", line 80, in save\n" + front +
           "    _save(state, writer)\n" + front + "OSError: [Errno 28] No space left on device\n";
  };
  EXPECT_EQ(JudgeLog(log("fit/7 (pid 90)")).failure, "checkpoint_save_failed");
  EXPECT_EQ(JudgeLog(log("fit (pid 90)")).failure, "disk_full") << "no task's name";
}

TEST(JudgeFrames, BytesThatAPeerSentAreNoCheckpoint) {
  const std::string head = "Traceback (most recent call last):\n" + Frame("/app/train.py", "main", "log(stats)");
  const std::string end = "_pickle.UnpicklingError: invalid load key, '\\x03'.\n";
  EXPECT_EQ(JudgeLog(head + Frame("/app/ranks.py", "gather_stats", "pickle.loads(bytes(row))") + end).failure,
            "collective_mismatch_hang");
  EXPECT_EQ(JudgeLog(head + Frame("/app/state.py", "restore", "pickle.load(file)") + end).failure,
            "checkpoint_load_failed");
}

TEST(JudgeFrames, ACutTracebackInTheJoiningOfRanksIsOfTheirRendezvous) {
  const std::string begin = "Traceback (most recent call last):\n" + Frame("/app/train.py", "main", "join(args)");
  EXPECT_EQ(JudgeLog(begin + Frame("/app/util.py", "join", "args.rank = distributed_init(args)")).failure,
            "rendezvous_failed");
  EXPECT_EQ(JudgeLog(begin + Frame("/app/util.py", "join", "init_process_group(backend)") +
                     Frame("/app/util.py", "after", "read(shards)"))
                .failure,
            "python_exception_one_rank");
}

}  // namespace
}  // namespace rankscope::diagnose
