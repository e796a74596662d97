#include <sys/stat.h>

#include <thread>

#include "diagnose/testing/case_folder.h"

namespace rankscope::diagnose {
namespace {

constexpr base::TimeNs kMidnight = 1'793'491'200 * base::kNsPerSecond;  // 2026-11-01

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

TEST_F(CaseReaderTest, ReportsThatAreObjectsWithoutAMessageTellWhoseTheyAre) {
  Case read = Read({Write("train.log", "{\"rank\": 1, \"loss\": 2}\n{\"rank\": 4, \"loss\": 2.5}\n")});
  EXPECT_EQ(Find(read, "{\"rank\": 1, \"loss\": 2}").rank, 1);
  EXPECT_EQ(Find(read, "{\"rank\": 4, \"loss\": 2.5}").rank, 4);
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

}  // namespace
}  // namespace rankscope::diagnose
