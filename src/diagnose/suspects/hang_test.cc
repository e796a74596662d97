#include <gtest/gtest.h>

#include "diagnose/case/record_case.h"
#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// As faulthandler writes all threads, the main one last.
std::string Faulthandler(const std::string& innermost, int line) {
  return "Thread 0x00007f1111111700 (most recent call first):\n"
         "  File \"/usr/lib/python3.11/threading.py\", line 324 in wait\n"
         "\nThread 0x00007f2222222740 (most recent call first):\n" +
         innermost + "  File \"/app/train.py\", line " + std::to_string(line) +
         " in main\n"
         "  File \"/app/train.py\", line 99 in <module>\n";
}
const std::string kInAllReduce =
    "  File \"/usr/lib/python3/dist-packages/torch/distributed/distributed_c10d.py\", line 1451 in all_reduce\n";

std::string Json(const std::string& text) {
  std::string escaped;
  for (char c : text) escaped += c == '\n' ? "\\n" : c == '"' ? "\\\"" : std::string(1, c);
  return "\"" + escaped + "\"";
}

TEST(HangByStacks, OddStackAmongRecordsIsNamed) {
  RecordCase records("job j", TellingLines());
  for (int32_t rank = 0; rank < 6; ++rank) {
    std::string stack =
        rank == 4 ? Faulthandler("  File \"/app/data.py\", line 12 in load\n", 60) : Faulthandler(kInAllReduce, 61);
    records.Add(R"({"timestamp":"2026-04-01T10:00:00Z","job_id":"j","stream":"stack","rank":)" + std::to_string(rank) +
                R"(,"method":"faulthandler","msg":)" + Json(stack) + "}");
  }
  Case read = records.End();
  Verdict verdict = Diagnose(read);
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{4});
  EXPECT_EQ(verdict.root_line, "  File \"/app/data.py\", line 12 in load");
  ASSERT_FALSE(verdict.figures.empty());
  EXPECT_EQ(verdict.figures.back(),
            "rank 4: it stands in load (data.py:12), 5 others in all_reduce (distributed_c10d.py:1451) from main "
            "(train.py:61)");
}

TEST(HangByStacks, DumpsWithoutTimesBehindStepsWithTimesShowTheFramesThatTell) {
  const std::string fetches = "  File \"/env/lib/python3.11/site-packages/fsspec/asyn.py\", line 91 in sync\n";
  Files files;
  for (int rank = 0; rank < 4; ++rank) {
    std::string text;
    for (int step = 10; step < 50; ++step)
      text +=
          "2026-04-01 10:00:" + std::to_string(step) + " INFO step " + std::to_string(step) + " loss 2.5 lr 1e-05\n";
    text += "Timeout (0:20:00)!\n" + Faulthandler(rank == 2 ? fetches : kInAllReduce, rank == 2 ? 60 : 61);
    files.emplace_back("rank_" + std::to_string(rank) + ".log", text);
  }
  const Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  EXPECT_NE(verdict.root_line.find("fsspec/asyn.py"), std::string::npos) << verdict.root_line;
  auto shows = [&](int32_t rank, const std::string& text) {
    return std::any_of(verdict.evidence.begin(), verdict.evidence.end(), [&](const Evidence& one) {
      return one.rank == rank && one.text.find(text) != std::string::npos;
    });
  };
  EXPECT_TRUE(shows(2, "train.py\", line 60"));
  EXPECT_TRUE(shows(0, "train.py\", line 61"));
}

TEST(HangByStacks, DumpsOfPySpyInFilesAreGrouped) {
  Files files;
  for (int rank = 0; rank < 4; ++rank) {
    std::string at = rank == 1
                         ? "    synchronize (torch/cuda/__init__.py:792)\n    step (train.py:44)\n"
                         : "    all_reduce (torch/distributed/distributed_c10d.py:2219)\n    step (train.py:47)\n";
    files.emplace_back(
        "rank_" + std::to_string(rank) + ".log",
        "Process " + std::to_string(700 + rank) + ": python train.py\nPython v3.10.12 (/usr/bin/python3.10)\n\n" +
            "Thread " + std::to_string(700 + rank) + " (idle): \"MainThread\"\n" + at +
            "    <module> (train.py:88)\nThread 901 (idle): \"Thread-1\"\n    wait (threading.py:331)\n");
  }
  Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(HangByStacks, RanksThatStandAlikeNameNobody) {
  Files files;
  for (int rank = 0; rank < 4; ++rank) {
    files.emplace_back("rank_" + std::to_string(rank) + ".log", Faulthandler(kInAllReduce, 61));
  }
  Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_TRUE(verdict.culprits.empty());
  EXPECT_FALSE(verdict.would_settle.empty());
}

std::string Steps(int first, int last) {
  std::string text;
  for (int step = first; step <= last; ++step)
    text += "{'loss': 2.5, 'learning_rate': 1e-05, 'step': " + std::to_string(step) + "}\n";
  return text;
}

TEST(HangByStacks, OfTwoRanksTheOneThatDoesNotWaitIsNamed) {
  Verdict verdict =
      Judge({{"rank_0.log", Steps(1, 4) + Faulthandler(kInAllReduce, 61)},
             {"rank_1.log", Steps(1, 4) + Faulthandler("  File \"/app/data.py\", line 12 in load\n", 60)}});
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(HangByStacks, TheCurrentThreadIsQuotedElseTheLastWhichIsTheMainOne) {
  const std::string waits = "  File \"/usr/lib/python3.11/threading.py\", line 324 in wait\n",
                    loads = "  File \"/app/data.py\", line 12 in load\n";
  const std::string thread = "Thread 0x00007f1111111700 (most recent call first):\n",
                    current = "Current thread 0x00007f2222222740 (most recent call first):\n";
  for (const std::string& dump : {thread + waits + "\n" + thread + loads, current + loads + "\n" + thread + waits,
                                  thread + waits + "\n" + current + loads}) {
    const Verdict verdict = JudgeLog(Steps(1, 4) + dump);
    EXPECT_EQ(verdict.failure, "process_hung");
    EXPECT_EQ(verdict.root_line, loads.substr(0, loads.size() - 1)) << dump;
  }
}

TEST(HangByStacks, TimesOfOtherFilesTellNothingOfAStackWithoutAny) {
  Files files;
  for (int rank = 0; rank < 3; ++rank) {
    const std::string folder = "rank_" + std::to_string(rank);
    files.emplace_back(folder + "/stdout.log",
                       "2026-11-01 00:00:01 step 1 loss 2.5\n2026-11-01 00:00:02 step 2 loss 2.4\n");
    files.emplace_back(folder + "/stderr.log",
                       Faulthandler(rank == 1 ? "  File \"/app/data.py\", line 12 in load\n" : kInAllReduce, 61));
  }
  const Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
  EXPECT_EQ(verdict.root_line, "  File \"/app/data.py\", line 12 in load");
}

// torchrun's wrapper and DDP's forward pass stand in files of torch.distributed, and are no collectives.
TEST(HangByStacks, RanksThatAllWaitInCollectivesAndNotInTheSameIssuedDifferentOnes) {
  const std::string torch = "  File \"/usr/lib/python3/dist-packages/torch/",
                    backward = torch + "autograd/graph.py\", line 829 in _engine_run_backward\n",
                    wrapped = "  File \"/app/data.py\", line 12 in load\n" + torch +
                              "nn/parallel/distributed.py\", line 1661 in forward\n";
  for (const auto& [odd, failure] :
       {std::pair(backward, "collective_mismatch_hang"), std::pair(wrapped, "process_hung")}) {
    const Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + Faulthandler(kInAllReduce, 61)},
                                   {"rank_1.log", Steps(1, 4) + Faulthandler(kInAllReduce, 61)},
                                   {"rank_2.log", Steps(1, 4) + Faulthandler(odd, 64)}});
    EXPECT_EQ(verdict.failure, failure);
    EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  }
}

TEST(HangByStacks, OfTwoRanksThatBothWaitTheOneBehindIsNamed) {
  const std::string in_barrier =
      "  File \"/usr/lib/python3/dist-packages/torch/distributed/distributed_c10d.py\", line 2811 in barrier\n";
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 5) + Faulthandler(kInAllReduce, 61)},
                           {"rank_1.log", Steps(1, 4) + Faulthandler(in_barrier, 70)}});
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(HangByStacks, OfTwoGroupsThatAreAsLargeThoseThatDoNotWaitAreNamed) {
  Files files;
  for (int rank = 0; rank < 4; ++rank) {
    std::string stack =
        rank % 2 == 1 ? Faulthandler("  File \"/app/data.py\", line 12 in load\n", 60) : Faulthandler(kInAllReduce, 61);
    files.emplace_back("rank_" + std::to_string(rank) + ".log", Steps(1, 4) + stack);
  }
  Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_EQ(verdict.culprits, (std::vector<int32_t>{1, 3}));
}

TEST(HangByStacks, OfTwoRanksThatWaitAlikeNobodyIsNamed) {
  Verdict verdict = Judge({{"rank_0.log", Steps(1, 4) + Faulthandler(kInAllReduce, 61)},
                           {"rank_1.log", Steps(1, 4) + Faulthandler(kInAllReduce, 61)}});
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_TRUE(verdict.culprits.empty());
  EXPECT_FALSE(verdict.would_settle.empty());
}

TEST(HangByStacks, OfARunThatWentOnAfterADeathIsNotThatOfTheDeath) {
  const std::string died = Steps(1, 4) + "Fatal Python error: Segmentation fault\n\n" + Faulthandler("", 40);
  const std::string hangs = "Current thread 0x00007f3333333740 (most recent call first):\n" + kInAllReduce;
  Verdict verdict = JudgeLog(died + Steps(3, 9) + hangs);
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_NE(verdict.root_line.find("all_reduce"), std::string::npos) << verdict.root_line;
  EXPECT_EQ(JudgeLog(died + hangs).failure, "segfault_sigsegv");
}

std::string Failed(const std::string& exception) {
  return "Traceback (most recent call last):\n  File \"/app/train.py\", line 88, in <module>\n    main()\n" +
         exception + "\n";
}

TEST(Attempts, LastThatFailedIsToldAndTheEarlierAreNamed) {
  Files files;
  for (int rank = 0; rank < 2; ++rank) {
    std::string name = "/" + std::to_string(rank) + "/stdout.log";
    files.emplace_back("attempt_0" + name, Steps(1, 5) + (rank == 0 ? Failed("KeyError: 'caption'") : ""));
    files.emplace_back("attempt_1" + name, Steps(1, 9) + (rank == 1 ? Failed("ValueError: no such key") : ""));
    files.emplace_back(
        "attempt_2" + name,
        Steps(1, 12) +
            (rank == 1 ? Failed("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.") : ""));
  }
  Verdict verdict = Judge(files);
  EXPECT_EQ(verdict.failure, "cuda_oom");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
  EXPECT_EQ(verdict.culprit->step, 12);
  std::vector<std::string> expected = {"this is of attempt 2 of 3",
                                       "attempt 0: python_exception_one_rank on rank 0, after step 5",
                                       "attempt 1: python_exception_one_rank on rank 1, after step 9"};
  ASSERT_GE(verdict.figures.size(), expected.size());
  EXPECT_EQ(std::vector<std::string>(verdict.figures.end() - 3, verdict.figures.end()), expected);
}

// Where the log is cut above, the modules that Python lists below the stacks tell that a signal ended it.
TEST(HangByStacks, ADumpThatEndsWithTheModulesIsOfADeath) {
  const std::string dump = Faulthandler("  File \"/app/data.py\", line 12 in load\n", 60);
  const std::string raised = Failed("KeyError: 'caption'");
  EXPECT_EQ(JudgeLog(dump).failure, "process_hung");
  EXPECT_EQ(JudgeLog(dump + "\nExtension modules: numpy.linalg._umath_linalg, torch._C (total: 2)\n" + raised).failure,
            "python_exception_one_rank");
  EXPECT_NE(JudgeLog(dump + "\nExtension modules: numpy.linalg._umath_linalg, torch._C (total: 2)\n").failure,
            "process_hung");
}

TEST(Attempts, LaunchersWordsPartOneMixedFile) {
  std::string restart = "[default] Worker group FAILED. 2/2 attempts left; will restart worker group\n";
  Verdict verdict =
      Judge({{"train.log", Steps(1, 30) + Failed("KeyError: 'caption'") + restart + Steps(20, 60) +
                               Failed("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.")}});
  EXPECT_EQ(verdict.failure, "cuda_oom");
}

TEST(Attempts, RecordsOfAJobThatEndedWellAtLastAreHealthy) {
  RecordCase records("job j", TellingLines());
  auto say = [&](int attempt, const std::string& text) {
    records.Add(R"({"job_id":"j","rank":0,"stream":"stdout","attempt":)" + std::to_string(attempt) + R"(,"msg":)" +
                Json(text) + "}");
  };
  for (int step = 1; step < 9; ++step)
    say(0, "{'loss': 2.5, 'learning_rate': 1e-05, 'step': " + std::to_string(step) + "}");
  say(0, Failed("KeyError: 'caption'"));
  for (int step = 1; step < 9; ++step)
    say(1, "{'loss': 2.5, 'learning_rate': 1e-05, 'step': " + std::to_string(step) + "}");
  say(1, "Training completed.");
  Case read = records.End();
  Verdict verdict = Diagnose(read);
  EXPECT_TRUE(verdict.healthy);
  EXPECT_EQ(verdict.figures.back(), "attempt 0: python_exception_one_rank on rank 0, after step 8");
}

}  // namespace
}  // namespace rankscope::diagnose
