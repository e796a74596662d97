#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "diagnose/case/case.h"

namespace rankscope::diagnose {
namespace {

constexpr base::TimeNs kMidnight = 1'793'491'200 * base::kNsPerSecond;  // 2026-11-01

class CaseReaderTest : public testing::Test {
 protected:
  CaseReaderTest() : folder_(testing::TempDir() + "case_reader." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
    EXPECT_TRUE(telling_.Add("CUDA error").ok());
    telling_.Compile();
  }
  ~CaseReaderTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::string path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  Case Read(const std::vector<std::string>& paths) {
    auto read = ReadCase(paths, telling_);
    EXPECT_TRUE(read.ok()) << read.status().message();
    return read.ok() ? *std::move(read) : Case();
  }
  Case ReadFolder() { return Read({folder_}); }

  // The line of that text; the test fails where there is none.
  static Line Find(const Case& read, std::string_view text) {
    for (const Line& line : read.lines) {
      if (line.text == text) return line;
    }
    ADD_FAILURE() << "no line \"" << text << "\"";
    return {};
  }
  static const Writer& WriterOf(const Case& read, int32_t rank) {
    for (const Writer& writer : read.writers) {
      if (writer.rank == rank) return writer;
    }
    ADD_FAILURE() << "nobody is rank " << rank;
    static const Writer kNobody;
    return kNobody;
  }

  std::string folder_;
  detect::PatternSet telling_;
};

TEST_F(CaseReaderTest, FilesComeInTheOrderOfTheNumbersInTheirNames) {
  for (int rank : {10, 2, 0}) Write("rank_" + std::to_string(rank) + ".log", "a\n");
  const Case read = ReadFolder();
  ASSERT_EQ(read.lines.size(), 3u);
  EXPECT_EQ(read.lines[0].rank, 0);
  EXPECT_EQ(read.lines[1].rank, 2);
  EXPECT_EQ(read.lines[2].rank, 10);
}

TEST_F(CaseReaderTest, LinesHaveTheirFilesRankAndTheTimeOfTheLineBefore) {
  Write("rank_0.log", "2026-11-01 00:00:00 a\r\nb\n");
  Write("rank_1.log", "\x1b[31mc\x1b[0m\n\nd");
  Case read = ReadFolder();
  ASSERT_EQ(read.lines.size(), 5u);
  EXPECT_EQ(read.lines[1].text, "b");
  EXPECT_EQ(read.lines[1].time, kMidnight);
  EXPECT_EQ(read.lines[2].text, "c");
  EXPECT_EQ(read.lines[2].rank, 1);
  EXPECT_EQ(read.lines[4].number, 3u);
  EXPECT_EQ(read.lines_read, 5u);
  ASSERT_EQ(read.writers.size(), 2u);
  EXPECT_EQ(read.writers[1].lines, 3u);
  EXPECT_EQ(read.lines[read.writers[1].last_line].text, "d");
}

TEST_F(CaseReaderTest, APathThatIsNotThereIsNamed) {
  auto read = ReadCase({folder_ + "/nope"}, telling_);
  EXPECT_EQ(read.status().code(), base::Code::kNotFound);
  EXPECT_NE(read.status().message().find("nope"), std::string::npos);
}

TEST_F(CaseReaderTest, OneTreeOfTorchelasticTellsTheRanks) {
  Write("none_ab12/attempt_0/0/stdout.log", "a\n");
  Write("none_ab12/attempt_0/1/stderr.log", "b\n");
  Write(
      "none_ab12/attempt_0/1/error.json",
      R"({"message": {"message": "KeyError: 'x'", "extraInfo": {"py_callstack": "Traceback", "timestamp": "1793491200"},)"
      R"( "errorCode": 7}})");
  Write("launcher.log", "E1101 00:00:00.000000 9 api.py:869] failed (exitcode: 1)\n");
  Case read = ReadFolder();
  EXPECT_EQ(Find(read, "b").rank, 1);
  EXPECT_EQ(read.files[Find(read, "b").file].attempt, 0);
  EXPECT_FALSE(read.files[0].attempt) << read.files[0].path;
  EXPECT_FALSE(Find(read, "E1101 00:00:00.000000 9 api.py:869] failed (exitcode: 1)").rank);
  ASSERT_EQ(read.error_files.size(), 1u);
  EXPECT_EQ(read.error_files[0].rank, 1);
  EXPECT_EQ(read.error_files[0].message, "KeyError: 'x'");
  EXPECT_EQ(read.error_files[0].callstack, "Traceback");
  EXPECT_EQ(read.error_files[0].time, kMidnight);
  EXPECT_EQ(read.error_files[0].exit_code, 7);
}

TEST_F(CaseReaderTest, TreesOfSeveralNodesTellTheRanksWhereTheNodesAreKnown) {
  for (const char* node : {"0", "1"}) {
    for (const char* local : {"0", "1"}) {
      std::string name = std::string(node) + local;
      Write("node_" + name.substr(0, 1) + "/x_1/attempt_0/" + local + "/stdout.log", "text " + name + "\n");
    }
  }
  Case read = ReadFolder();
  EXPECT_EQ(Find(read, "text 01").rank, 1);
  EXPECT_EQ(Find(read, "text 10").rank, 2);
  EXPECT_EQ(Find(read, "text 11").rank, 3);
  EXPECT_EQ(Find(read, "text 11").node_rank, 1);
}

TEST_F(CaseReaderTest, TreesOfNodesThatAreNotKnownTellOnlyLocalRanks) {
  Write("job_aaaa/attempt_0/0/stdout.log", "a\n");
  Write("job_bbbb/attempt_0/0/stdout.log", "b\n");
  Write("job_bbbb/attempt_0/1/stdout.log", "[rank5]: Traceback (most recent call last):\nc\n");
  Write("job_bbbb/attempt_0/1/stderr.log", "d\n");
  Case read = ReadFolder();
  EXPECT_FALSE(Find(read, "a").rank);
  EXPECT_EQ(Find(read, "a").local_rank, 0);
  EXPECT_EQ(Find(read, "b").rank, 4) << "its neighbour says what the launch's first rank is";
  EXPECT_EQ(Find(read, "d").rank, 5);
  EXPECT_EQ(Find(read, "c").rank, 5);
}

TEST_F(CaseReaderTest, ALaunchersTeeTellsTheRanksOfOneNode) {
  std::string path = Write("train.log", "[default0]:a\n[default1]:b\nlaunched\n[default1]:[rank1]: c\n");
  Case read = Read({path});
  EXPECT_EQ(Find(read, "a").rank, 0);
  EXPECT_EQ(Find(read, "b").rank, 1);
  EXPECT_FALSE(Find(read, "launched").rank);
  EXPECT_EQ(WriterOf(read, 1).lines, 2u);
}

TEST_F(CaseReaderTest, TwoLaunchersFilesAreTwoNodes) {
  Write("out_0.txt", "[default0]:a\n[default1]:b\n");
  Write("out_1.txt", "[default0]:c\n[default1]:d\n");
  Case read = ReadFolder();
  EXPECT_EQ(Find(read, "d").rank, 3);
  EXPECT_EQ(Find(read, "d").node_rank, 1);
  EXPECT_EQ(Find(read, "a").rank, 0);
}

TEST_F(CaseReaderTest, WorkersInWhichOtherRanksSpeakAreNodes) {
  Write("trainer-worker-0.log", "a\n[rank1]: b\n");
  Write("trainer-worker-1.log", "c\n[rank3]: d\n");
  Case read = ReadFolder();
  EXPECT_EQ(Find(read, "c").rank, std::nullopt);
  EXPECT_EQ(Find(read, "c").node_rank, 1);
  EXPECT_EQ(Find(read, "d").rank, 3);
}

TEST_F(CaseReaderTest, WorkersThatSpeakForThemselvesAreRanks) {
  Write("worker-0.log", "a\n[rank0]: b\n");
  Write("worker-1.log", "c\n");
  EXPECT_EQ(Find(ReadFolder(), "c").rank, 1);
}

TEST_F(CaseReaderTest, FilesInARowAreRanks) {
  Write("train_4711_0.out", "a\n");
  Write("train_4711_1.out", "b\n");
  Write("train_4711_1.err", "c\n");
  Write("train_4711_0.err", "d\n");
  Case read = ReadFolder();
  EXPECT_EQ(Find(read, "b").rank, 1);
  EXPECT_EQ(Find(read, "c").rank, 1);
  EXPECT_EQ(Find(read, "d").rank, 0);
}

TEST_F(CaseReaderTest, FilesInARowWhoseProgramTellsItsLocalRankAreRanks) {
  Write("log.0", "rank: 0, local_rank: 0, world_size: 4\n");
  Write("log.1", "c\n");
  EXPECT_EQ(Find(ReadFolder(), "c").rank, 1);
  Write("log.1", "c\nfailed (exitcode: 1) local_rank: 0 (pid: 31)\n");  // a launcher does
  EXPECT_EQ(Find(ReadFolder(), "c").rank, std::nullopt);
}

// As `kubectl logs --prefix` has it.
std::string Pods(const std::string& text_of_last) {
  return "[pod/job-master-0/main] step 1\n[pod/job-worker-0/main] step 1\n[pod/job-master-0/main] step 2\n"
         "[pod/job-worker-0/main] " +
         text_of_last + "\n";
}

TEST_F(CaseReaderTest, FoldersInARowWithLocalRanksAreNodes) {
  for (const char* host : {"0", "1"}) {
    for (const char* local : {"0", "1", "2"})
      Write(std::string("host-") + host + "/local_rank_" + local + ".log", std::string(host) + local + "\n");
  }
  Case read = ReadFolder();
  EXPECT_EQ(Find(read, "12").node_rank, 1);
  EXPECT_EQ(Find(read, "12").rank, 5);
  EXPECT_EQ(Find(read, "01").rank, 1);
}

TEST_F(CaseReaderTest, WorkersBesideAMasterBeginWithTheSecondRank) {
  Write("llm-master-0.log", "a\n");
  Write("llm-worker-0.log", "b\n");
  Write("llm-worker-1.log", "c\n");
  Case read = ReadFolder();
  EXPECT_EQ(Find(read, "a").rank, 0);
  EXPECT_EQ(Find(read, "b").rank, 1);
  EXPECT_EQ(Find(read, "c").rank, 2);
  Write("llm-worker-1.log", "[rank9]: c\n");
  read = ReadFolder();
  EXPECT_EQ(Find(read, "a").node_rank, 0);
  EXPECT_FALSE(Find(read, "a").rank);
  EXPECT_EQ(Find(read, "c").node_rank, 2);
}

TEST_F(CaseReaderTest, NodesThatHaveOneProcessEachAreRanks) {
  Case read = Read({Write("pods.log", Pods("CUDA error: x on cuda:0, world size: 2"))});
  EXPECT_EQ(Find(read, "CUDA error: x on cuda:0, world size: 2").rank, 1);
  EXPECT_EQ(WriterOf(read, 0).lines, 2u);
  EXPECT_EQ(Read({Write("pods.log", Pods("training on 2 GPUs"))}).lines.back().rank, 1);
  for (const char* more :
       {"training on 8 GPUs", "CUDA error: on cuda:3", "CUDA error: GPU 1 has", "local_rank=1", "world_size: 16",
        "rank 9 failed", "nproc_per_node=2", "GLOBAL_RANK: 9, MEMBER: 10/16",
        "All distributed processes registered. Starting with 16 processes", "nranks 16", "SLURM_NTASKS=16",
        "dist_world_size=16", "deepspeed.launcher.launch", "CUDA_VISIBLE_DEVICES: [0,1]",
        "torch.distributed.elastic.multiprocessing.api failed", "[default1]:x"}) {
    EXPECT_FALSE(Read({Write("pods.log", Pods(more))}).lines.back().rank) << more;
  }
}

TEST_F(CaseReaderTest, FoldersInARowWithFilesInARowAreNodesWithLocalRanks) {
  Write("0/0.log", "a\n");
  Write("0/1.log", "b\n");
  Write("1/0.log", "c\n");
  Write("1/1.log", "d\n");
  Case read = ReadFolder();
  EXPECT_EQ(Find(read, "c").rank, 2);
  EXPECT_EQ(Find(read, "d").local_rank, 1);
}

TEST_F(CaseReaderTest, RotatedFilesAndRunsAreNoRanks) {
  Write("train.log", "a\n");
  Write("train.log.0", "b\n");
  Write("train.log.1", "c\n");
  Write("run_0/x.log", "d\n");
  Write("run_1/x.log", "e\n");
  for (const Line& line : ReadFolder().lines) EXPECT_FALSE(line.rank) << line.text;
}

TEST_F(CaseReaderTest, AFileWhoseLinesBearTheRankOfItsNameIsOfThatRank) {
  Write("train_000.log", "[default0]:[rank0]: a\n");
  Write("train_001.log", "b\n");
  EXPECT_EQ(Find(ReadFolder(), "b").rank, 1);
  Write("train_001.log", "[default0]:b\n");
  EXPECT_EQ(Find(ReadFolder(), "b").node_rank, 1);
}

TEST_F(CaseReaderTest, SrunsNumbersAreRanks) {
  Case read = Read({Write("slurm-17.out", "0: a\n1: b\n0: c\n1: d\nsrun: error: node2: task 1: Killed\n")});
  EXPECT_EQ(Find(read, "d").rank, 1);
  EXPECT_FALSE(Find(read, "srun: error: node2: task 1: Killed").rank);
}

TEST_F(CaseReaderTest, ContainersWrapLinesInJson) {
  Case read =
      Read({Write("pod.log", R"({"log":"\u001b[1m[rank2]: a \"b\"\n","stream":"stderr","time":"2026-11-01T00:00:00Z"})"
                             "\n")});
  Line line = Find(read, "a \"b\"");
  EXPECT_EQ(line.rank, 2);
  EXPECT_EQ(line.time, kMidnight);
}

TEST_F(CaseReaderTest, CollectorsTellThePodBesideTheLine) {
  auto line = [](const char* pod, const char* log) {
    return std::string(R"({"kubernetes":{"pod_name":")") + pod + R"("},"log":")" + log + "\"}\n";
  };
  Case read = Read({Write("all.log", line("llm-worker-0", "a") + line("llm-worker-2", "b\\n  c\\n") +
                                         line("llm-worker-0", "d") + line("llm-worker-2", "e"))});
  EXPECT_EQ(Find(read, "b").rank, 2);
  EXPECT_EQ(Find(read, "  c").rank, 2);
  EXPECT_EQ(Find(read, "d").rank, 0);
}

TEST_F(CaseReaderTest, JsonOfAnyLoggerIsReadByItsMessage) {
  Write("worker.log",
        "{\"stream\": \"stderr\", \"time\": \"2026-11-01T00:00:00Z\", \"log\": \"0: CUDA error: a\\n\"}\n"
        "{\"stream\": \"stderr\", \"log\": \"1: CUDA error: b\\n\"}\n"
        "{\"stream\": \"stderr\", \"log\": \"0: CUDA error: c\\n\"}\n"
        "{\"stream\": \"stderr\", \"log\": \"1: CUDA error: d\\n\"}\n");
  Write("app.log",
        "{\"asctime\": \"2026-11-01 00:00:00,000\", \"levelname\": \"ERROR\", \"message\": \"step failed\", "
        "\"exc_info\": \"Traceback (most recent call last):\\n  File \\\"a.py\\\", line 1\\nKeyError: 'x'\"}\n");
  Case read = ReadFolder();
  EXPECT_EQ(Find(read, "CUDA error: a").time, kMidnight);
  EXPECT_EQ(Find(read, "CUDA error: d").rank, 1) << "its prefix is that of the message";
  EXPECT_EQ(Find(read, "step failed").time, kMidnight);
  EXPECT_EQ(Find(read, "KeyError: 'x'").number, 1u);
}

TEST_F(CaseReaderTest, RecordsInTheirJsonFormTellWhoseTheyAre) {
  Write("export.jsonl",
        "{\"timestamp\":\"2026-11-01T00:00:00Z\",\"rank\":3,\"msg\":\"a\\n  b\"}\n{\"loss\": 2.5, \"epoch\": 1}\n"
        "{\"rank\": 4, \"loss\": 2}\n");
  Case read = ReadFolder();
  EXPECT_EQ(Find(read, "a").rank, 3);
  EXPECT_EQ(Find(read, "a").time, kMidnight);
  EXPECT_EQ(Find(read, "  b").rank, 3);
  EXPECT_EQ(Find(read, "  b").number, 1u);
  EXPECT_EQ(Find(read, "{\"rank\": 4, \"loss\": 2}").rank, 4);
  EXPECT_FALSE(Find(read, "{\"loss\": 2.5, \"epoch\": 1}").rank);
}

TEST_F(CaseReaderTest, WhatIsWrittenBehindABarIsALineOfItsOwn) {
  const std::string bar = "  3%|3         | 3/99 [00:00<00:09, 9.1it/s]";
  Case read = Read({Write("train.log", bar + "[rank2]: Traceback (most recent call last):\n" + bar + " " + bar +
                                           "KeyError: 'x'\nkept\rtoo\n")});
  ASSERT_EQ(read.lines.size(), 7u);
  EXPECT_EQ(read.lines[0].text, bar);
  EXPECT_FALSE(read.lines[0].rank);
  EXPECT_EQ(read.lines[1].text, "Traceback (most recent call last):");
  EXPECT_EQ(read.lines[1].rank, 2);
  EXPECT_TRUE(read.lines[1].rank_said);
  EXPECT_EQ(read.lines[3].text, " " + bar);
  EXPECT_EQ(read.lines[4].text, "KeyError: 'x'");
  EXPECT_EQ(read.lines[4].number, 2u);
  EXPECT_EQ(Find(read, "kept").number, 3u);
  EXPECT_EQ(Find(read, "too").number, 3u);
  EXPECT_EQ(WriterOf(read, 2).lines, 1u);
  uint64_t written = 0;
  for (const Writer& writer : read.writers) written += writer.lines;
  EXPECT_EQ(written, read.lines.size());
}

TEST_F(CaseReaderTest, OfABarThatRedrawsItselfTheLastTwoStatesAreLines) {
  auto state = [](int step) { return " 5%|#  | " + std::to_string(step) + "/9 [00:01<00:09, 1.1s/it]"; };
  std::string log;
  for (int step = 1; step < 5; ++step) log += "\r" + state(step);
  Case read = Read({Write("train.log", log + "KeyError: 'x'\n")});
  ASSERT_EQ(read.lines.size(), 3u);
  EXPECT_EQ(read.lines[0].text, state(3));
  EXPECT_EQ(read.lines[1].text, state(4));
  EXPECT_EQ(read.lines[2].text, "KeyError: 'x'");
}

TEST_F(CaseReaderTest, StatesOfABarThatSayMoreThanACountAreLinesEach) {
  Case read =
      Read({Write("train.log",
                  "\r  0%|          | 0/9 [00:00<?, ?it/s]\r 11%|1         | 1/9 [00:01<00:09, 1.1s/it, fwd=0.2]"
                  "\r 22%|2         | 2/9 [00:02<00:08, 1.1s/it, fwd=0.3]\r 33%|3 | 3/9 [00:03<00:07, 1.1s/it]")});
  ASSERT_EQ(read.lines.size(), 4u);
  Find(read, "  0%|          | 0/9 [00:00<?, ?it/s]");
  Find(read, " 11%|1         | 1/9 [00:01<00:09, 1.1s/it, fwd=0.2]");
  Find(read, " 22%|2         | 2/9 [00:02<00:08, 1.1s/it, fwd=0.3]");
  Find(read, " 33%|3 | 3/9 [00:03<00:07, 1.1s/it]");
}

TEST_F(CaseReaderTest, FilesThatAreNoLogsAreSkippedAndSaidSo) {
  Write("model.safetensors", "x");
  Write("config.json", "{\"message\": 3}");
  Write("slurm-99", "a\n");
  Write("core", std::string(100, '\0'));
  Case read = ReadFolder();
  Find(read, "a");
  EXPECT_EQ(read.files.size(), 1u);
  EXPECT_EQ(read.skipped.size(), 3u);
  EXPECT_EQ(read.skipped[0], folder_ + "/config.json (no log)");
}

TEST_F(CaseReaderTest, AnEmptyFileBesideOneOfTheSameNameButForItsNumberIsARanks) {
  Write("ranks/log.0", "");
  Write("ranks/log.1", "step 1 loss 2.5\n");
  Write("ranks/lock.7", "");
  Case read = Read({folder_});
  ASSERT_EQ(read.files.size(), 2u);
  EXPECT_EQ(read.files[0].rank, 0);
  EXPECT_EQ(read.skipped, std::vector<std::string>{folder_ + "/ranks/lock.7 (no log)"});
}

TEST_F(CaseReaderTest, AFileOfTwoNamesIsReadOnce) {
  std::string path = Write("slurm-17.out", "a\n");
  std::filesystem::create_symlink(path, folder_ + "/latest.out");
  EXPECT_EQ(Read({folder_, path}).lines_read, 1u);
}

TEST_F(CaseReaderTest, WhatALauncherSaysOfItsFailedRankTellsTheOthersOfItsNode) {
  Write("host-a.log", "[default0]:a\n[default1]:b\n");
  Write("host-b.log", "[default0]:c\n[default1]:d\nFailures:\n  rank      : 3 (local_rank: 1)\n");
  Case read = ReadFolder();
  EXPECT_EQ(Find(read, "c").rank, 2);
  EXPECT_EQ(Find(read, "d").rank, 3);
  EXPECT_EQ(Find(read, "a").rank, 0) << "the first number that is left";
  ASSERT_EQ(read.nodes.size(), 2u);
  EXPECT_FALSE(read.nodes[0].told);
  EXPECT_TRUE(read.nodes[1].told);
}

TEST_F(CaseReaderTest, TheOnlyTreeIsOfTheNodeThatItsLauncherReports) {
  Write("launcher.log", "Failures:\n  rank      : 5 (local_rank: 1)\n");
  Write("job_ab12/attempt_0/0/stdout.log", "a\n");
  Write("job_ab12/attempt_0/1/stdout.log", "b\n");
  EXPECT_EQ(Find(ReadFolder(), "a").rank, 4);
}

TEST_F(CaseReaderTest, ACompressedFileThatIsCutOffGivesWhatCame) {
  std::string path = folder_ + "/train.log.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i * 7919 % 100'003) + "\n";
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  EXPECT_EQ(ReadFolder().lines_read, 100'000u);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  Case read = Read({path});
  EXPECT_GT(read.lines.size(), 1000u);
  ASSERT_EQ(read.skipped.size(), 1u);
  EXPECT_EQ(read.skipped[0], path + " (the gzip stream is cut off)");
  Case folder = ReadFolder();
  EXPECT_EQ(folder.lines.size(), read.lines.size());
  ASSERT_EQ(folder.skipped.size(), 1u);
  EXPECT_EQ(folder.skipped[0], path + " (the gzip stream is cut off)");
}

// More than is kept whole.
std::string ManyLines(size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) {
    std::string rank = std::to_string(i % 4);
    text += "[rank" + rank + "]: step " + std::to_string(i) + " loss " + std::to_string(2.5 + i % 7) + "\n";
  }
  return text;
}

TEST_F(CaseReaderTest, OfALargeFileWhatTellsIsKeptWithItsSurroundings) {
  std::string text = ManyLines(9 << 20);
  std::string before = text;
  text += "[rank3]: Input image size: [3, 8192, 4096]\n[rank1]: elsewhere\n[rank3]: CUDA error: out\n";
  text += "[rank2]: Traceback (most recent call last):\n";
  for (int i = 0; i < 30; ++i) text += "[rank2]:   File \"x.py\", line " + std::to_string(i) + "\n[rank0]: noise\n";
  text += "[rank2]: KeyError: 'pixel_values'\n[rank1]: loss nan\n" + ManyLines(9 << 20);
  Case read = Read({Write("all.log", text)});
  uint64_t lines = static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
  uint64_t lines_before = static_cast<uint64_t>(std::count(before.begin(), before.end(), '\n'));
  EXPECT_EQ(read.lines_read, lines);
  EXPECT_LT(read.lines.size(), lines / 10);
  Line told = Find(read, "CUDA error: out");
  EXPECT_EQ(told.number, lines_before + 3);
  EXPECT_EQ(told.rank, 3);
  Find(read, "Input image size: [3, 8192, 4096]");
  Find(read, "KeyError: 'pixel_values'");
  Find(read, "  File \"x.py\", line 29");
  Find(read, "loss nan");
  uint64_t counted = 0;
  for (int32_t rank = 0; rank < 4; ++rank) counted += WriterOf(read, rank).lines;
  EXPECT_EQ(counted, lines);
  EXPECT_EQ(read.lines.back().number, lines);
  EXPECT_FALSE(read.lines.front().gap_before);
  for (size_t i = 1; i < read.lines.size(); ++i) {
    EXPECT_EQ(read.lines[i].gap_before, read.lines[i].number > read.lines[i - 1].number + 1) << i;
  }
}

TEST_F(CaseReaderTest, OfManyShortLinesWhatTellsIsKept) {
  const std::string many(600'000, '\n');
  const Case read = Read({Write("all.log", many + "[rank3]: CUDA error: out\n" + many)});
  EXPECT_EQ(read.lines_read, 1'200'001u);
  EXPECT_LT(read.lines.size(), 1000u);
  EXPECT_EQ(Find(read, "CUDA error: out").number, 600'001u);
}

TEST_F(CaseReaderTest, OfALargeFileTheReportsBeforeWhatTellsAreKept) {
  std::string text;
  auto reports = [&](int first, size_t bytes) {
    int step = first;
    for (; text.size() < bytes; ++step)
      text += "INFO rank " + std::to_string(step % 8) + " step " + std::to_string(step) + " done\n";
    return step;
  };
  const int end = reports(0, 9 << 20);
  text += "[rank6]: CUDA error: out\n";
  reports(end, 18 << 20);
  const Case read = Read({Write("all.log", text)});
  for (int step = end - 8; step < end; ++step)
    Find(read, "INFO rank " + std::to_string(step % 8) + " step " + std::to_string(step) + " done");
}

TEST_F(CaseReaderTest, WhatEveryLineTellsDoesNotFillTheMemory) {
  std::string text;
  for (int i = 0; text.size() < (20u << 20); ++i) text += "CUDA error: number " + std::to_string(i) + " of many\n";
  Case read = Read({Write("all.log", text)});
  EXPECT_LT(read.lines.size(), 20'000u);
  EXPECT_EQ(read.lines.front().number, 1u);
  EXPECT_EQ(read.lines.back().number, read.lines_read);
}

TEST_F(CaseReaderTest, WhatRankscopeSaidAmongThemIsNoLineOfTheJob) {
  Write("console.log",
        "rankscope: job j-1 (rankscope logs --job_id j-1 -f)\na\nrankscope: CRITICAL rank 3: CUDA error\nb\n"
        "the rankscope: of a user\n");
  Case read = ReadFolder();
  ASSERT_EQ(read.lines.size(), 3u);
  EXPECT_EQ(read.lines[1].text, "b");
  EXPECT_EQ(read.lines[1].number, 4u);
  EXPECT_EQ(read.lines_read, 5u);
}

TEST_F(CaseReaderTest, WhyRankscopeCouldNotRunTheCommandIsALineOfTheJob) {
  Write("console.log",
        "rankscope: job j-1 (rankscope logs --job_id j-1 -f)\n"
        "rankscope: cannot run torchrun: No such file or directory\n");
  Case read = ReadFolder();
  ASSERT_EQ(read.lines.size(), 1u);
  EXPECT_EQ(read.lines[0].text, "rankscope: cannot run torchrun: No such file or directory");
}

TEST_F(CaseReaderTest, BytesWithoutLineEndsAreCutAndKeepTheirNumber) {
  std::string text(20 << 20, 'x');
  text[7'000'000] = '\0';
  text += "\nCUDA error: at the end\n";
  Case read = Read({Write("all.log", text)});
  EXPECT_EQ(read.lines_read, 2u);
  EXPECT_EQ(read.bytes_read, text.size());
  EXPECT_EQ(Find(read, "CUDA error: at the end").number, 2u);
}

// Of all byte values, as what is compressed or computed with.
std::string Bytes(size_t count) {
  std::string bytes;
  uint64_t state = 88172645463325252;
  for (; bytes.size() < count; bytes += static_cast<char>(state >> 32)) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
  }
  return bytes;
}

TEST_F(CaseReaderTest, BytesThatAreNoTextAreRefusedByName) {
  for (size_t size : {40, 3000, 200'000}) {
    std::string path = Write("noise.log", Bytes(size));
    auto read = ReadCase({path}, telling_);
    ASSERT_FALSE(read.ok()) << size;
    EXPECT_EQ(read.status().message(), path + ": cannot read: not text");
  }
}

TEST_F(CaseReaderTest, FolderWithBytesThatAreNoTextIsReadWithoutThem) {
  Write("noise.log", Bytes(3000));
  Write("rank_0.log", "CUDA error: out of memory\n");
  Case read = Read({folder_});
  EXPECT_EQ(read.lines_read, 1u);
  EXPECT_EQ(read.skipped, std::vector<std::string>{folder_ + "/noise.log (not text)"});
}

TEST_F(CaseReaderTest, LogThatRotationLeftNoughtsBeforeIsRead) {
  std::string path =
      Write("train.log", std::string(100'000, '\0') + "\n" + std::string(5000, 'x') + "\nCUDA error: here\n");
  EXPECT_EQ(Read({path}).lines.back().text, "CUDA error: here");
}

TEST_F(CaseReaderTest, LogWithHolesOfNoughtsIsRead) {
  const std::string holes =
      "CUDA error: before\n" + std::string(500, '\0') + "CUDA error: behind\n" + std::string(500, '\0');
  Case read = Read({Write("train.log", holes)});
  EXPECT_EQ(Find(read, "CUDA error: behind").number, 2u);
  Write("hole.log", std::string(3000, '\0'));
  EXPECT_EQ(ReadFolder().skipped, std::vector<std::string>{folder_ + "/hole.log (not text)"});
}

TEST_F(CaseReaderTest, PipeThatIsNamedIsReadToItsEnd) {
  const std::string path = folder_ + "/pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] {
    std::ofstream(path) << "[rank1]: CUDA error: here\n" << std::string(3 << 20, 'x') << "\nlast\n";
  });
  Case read = Read({path});
  writer.join();
  EXPECT_EQ(Find(read, "CUDA error: here").rank, 1);
  EXPECT_EQ(Find(read, "last").number, 3u);
  EXPECT_EQ(read.files.front().path, path);
}

TEST_F(CaseReaderTest, Utf16IsReadAsItsMarkTells) {
  const std::string text = "[rank1]: CUDA error: here\r\nlast\r\n";
  std::string little = "\xff\xfe", big = "\xfe\xff";
  for (char c : text) {
    little += {c, '\0'};
    big += {'\0', c};
  }
  for (const std::string& bytes : {little, big}) {
    Case read = Read({Write("train.log", bytes)});
    EXPECT_EQ(Find(read, "CUDA error: here").rank, 1);
    EXPECT_EQ(Find(read, "last").number, 2u);
    EXPECT_TRUE(read.skipped.empty());
  }
}

TEST_F(CaseReaderTest, WhatHasToBeUnpackedFirstIsNamed) {
  std::string tar =
      "logs/rank0.log" + std::string(243, '\0') + "ustar  " + std::string(248, '\0') + "CUDA error: here\n";
  const std::pair<std::string, std::string> kPacked[] = {{tar, "a tar archive"},
                                                         {"PK\x03\x04" + std::string(60, 'a'), "a zip archive"},
                                                         {"\xfd"
                                                          "7zXZ" +
                                                              std::string(60, 'a'),
                                                          "compressed by xz"}};
  for (const auto& [bytes, what] : kPacked) {
    const std::string path = Write("logs.log", bytes);
    EXPECT_EQ(ReadCase({path}, telling_).status().message(), path + ": cannot read: " + what);
  }
}

TEST_F(CaseReaderTest, LinesAcrossChunksAreWhole) {
  std::string text;
  uint64_t lines = 0;
  for (size_t size = 1; text.size() < (20u << 20); size = size * 31 % 99'991, ++lines) {
    text += "CUDA error " + std::string(size, 'y') + " end\n";
  }
  Case read = Read({Write("all.log", text)});
  EXPECT_EQ(read.lines_read, lines);
  for (const Line& line : read.lines) {
    EXPECT_TRUE(line.text.starts_with("CUDA error y") && line.text.ends_with("y end")) << line.number;
  }
}

}  // namespace
}  // namespace rankscope::diagnose
