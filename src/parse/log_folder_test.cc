#include "parse/log_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "model/time_text.h"

namespace rankscope::parse {
namespace {

TEST(DescribeLogFile, ThePathTellsWhoWroteIt) {
  EXPECT_EQ(DescribeLogFile("run/rank_12.log").origin.rank, 12);
  EXPECT_EQ(DescribeLogFile("rank3/stderr.log").origin.rank, 3);
  EXPECT_EQ(DescribeLogFile("rank3/stderr.log").stream, model::Stream::kStderr);
  EXPECT_EQ(DescribeLogFile("node_2/local_rank_1.out").origin.node_rank, 2);
  EXPECT_EQ(DescribeLogFile("node_2/local_rank_1.out").origin.local_rank, 1);
  EXPECT_FALSE(DescribeLogFile("node_2/local_rank_1.out").origin.rank) << "two nodes have a local rank 1";
  EXPECT_EQ(DescribeLogFile("node_rank=4/worker-7.txt").origin.node_rank, 4);
  EXPECT_EQ(DescribeLogFile("node_rank=4/worker-7.txt").origin.rank, 7);
  LogFile elastic = DescribeLogFile("none_abc/attempt_1/3/stdout.log");
  EXPECT_EQ(elastic.origin.attempt, 1);
  EXPECT_EQ(elastic.origin.rank, 3);
  EXPECT_FALSE(DescribeLogFile("frank9.log").origin.rank) << "no rank, a name";
  EXPECT_EQ(DescribeLogFile("2026-11-25_rank7.log").origin.rank, 7);
  EXPECT_EQ(DescribeLogFile("1/rank.03/stderr").origin.rank, 3);
  EXPECT_EQ(DescribeLogFile("train_global_rank_5.txt").origin.rank, 5);
  EXPECT_EQ(DescribeLogFile("host-a/gpu2.log").origin.local_rank, 2);
  EXPECT_EQ(DescribeLogFile("worker-1/attempt_0/2/stdout.log").origin.node_rank, 1);
  EXPECT_EQ(DescribeLogFile("x/tp_rank_1.log").origin.rank, std::nullopt) << "of one kind of parallelism alone";
  EXPECT_TRUE(DescribeLogFile("metrics.jsonl").json);
}

class LogFolderTest : public testing::Test {
 protected:
  LogFolderTest() {
    char name[] = "/tmp/rankscope-log-folder-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~LogFolderTest() override { std::filesystem::remove_all(folder_); }
  void Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(folder_ + "/" + name).parent_path());
    std::ofstream(folder_ + "/" + name) << text;
  }
  std::string folder_;
};

TEST_F(LogFolderTest, FindsLogsAndSaysWhatItSkipped) {
  Write("rank_0.log", "a\n");
  Write("rank_1.log.2", "b\n");
  Write("deep/stdout", "c\n");
  Write("model.safetensors", "x");
  std::vector<std::string> skipped;
  auto files = FindLogFiles(folder_, &skipped);
  ASSERT_TRUE(files.ok());
  ASSERT_EQ(files->size(), 3u);
  EXPECT_EQ((*files)[2].origin.rank, 1);
  EXPECT_EQ(skipped, std::vector<std::string>{folder_ + "/model.safetensors"});
  EXPECT_EQ(FindLogFiles(folder_ + "/nope", &skipped).status().code(), base::Code::kNotFound);
}

// Nobody keeps root from reading; another user may be kept.
class OtherUser {
 public:
  OtherUser() {
    if (geteuid() == 0) {
      EXPECT_EQ(seteuid(65534), 0);
    }
  }
  ~OtherUser() {
    if (getuid() == 0) {
      EXPECT_EQ(seteuid(0), 0);
    }
  }
};

TEST_F(LogFolderTest, FolderThatCannotBeReadIsSkippedAndSaid) {
  Write("rank_0.log", "a\n");
  Write("rank_1/stdout.log", "b\n");
  std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  std::filesystem::permissions(folder_ + "/rank_1", std::filesystem::perms::none);
  std::vector<std::string> skipped;
  {
    OtherUser other;
    auto files = FindLogFiles(folder_, &skipped);
    ASSERT_TRUE(files.ok());
    EXPECT_EQ(files->size(), 1u);
  }
  EXPECT_EQ(skipped, std::vector<std::string>{folder_ + "/rank_1"});
  std::filesystem::permissions(folder_ + "/rank_1", std::filesystem::perms::owner_all);
}

// srun -l numbers each line's task; elsewhere a number and a colon are text.
TEST_F(LogFolderTest, TaskNumbersBeforeAllLinesAreRanks) {
  Write("job.out",
        "0: step 1 loss: 2.5\n1: step 1 loss: 3.5\n0: step 2 loss: 2\n1: step 2 loss: 3\n0: step 3 loss: 1\n1: x\n");
  Write("notes.out", "what to do\n1: stop\n2: start\n");
  std::vector<std::string> skipped;
  auto files = FindLogFiles(folder_, &skipped);
  std::vector<std::optional<int32_t>> ranks[2];
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(ReadLogFile((*files)[i], [&](model::Record record) {
                  ranks[i].push_back(record.origin.rank);
                  return true;
                }).ok());
  }
  EXPECT_EQ(ranks[0], (std::vector<std::optional<int32_t>>{0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(ranks[1], std::vector<std::optional<int32_t>>(3));
}

TEST_F(LogFolderTest, LinesBecomeRecordsWithTimesAndMetrics) {
  Write("rank_3.log",
        "2026-11-01 00:00:01 step: 5 loss: 2.5 lr: 1e-4\n"
        "no time here, token hf_abcdefghijklmnopqrstuvwxyz0123456789\n"
        "2026-11-01 00:00:02 ERROR failed\n"
        "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x\n"
        "cut in mid");
  std::vector<std::string> skipped;
  auto files = FindLogFiles(folder_, &skipped);
  std::vector<model::Record> records;
  ASSERT_TRUE(ReadLogFile(files->front(), [&](model::Record record) {
                records.push_back(std::move(record));
                return true;
              }).ok());
  ASSERT_EQ(records.size(), 5u);
  EXPECT_EQ(records[0].origin.rank, 3);
  EXPECT_EQ(records[0].step, 5);
  EXPECT_EQ(records[1].time, records[0].time);
  EXPECT_EQ(records[1].text.find("hf_abc"), std::string::npos) << "a secret";
  EXPECT_EQ(records[2].level, "error");
  EXPECT_NE(records[3].text.find("ValueError"), std::string::npos);
  EXPECT_EQ(records[4].text, "cut in mid");
}

TEST_F(LogFolderTest, WhatAppendedTextMayChangeIsUnsettled) {
  auto unsettled = [&](const std::string& text) {
    Write("rank_0.log", text);
    std::vector<std::string> texts;
    EXPECT_TRUE(ReadLogFile(
                    {.path = folder_ + "/rank_0.log", .origin = {}}, [](const auto&) { return true; },
                    [&](const model::Record& record) {
                      texts.push_back(record.text);
                      return true;
                    })
                    .ok());
    return texts;
  };
  const std::string frames = "Traceback (most recent call last):\n  File \"a.py\", line 1";
  EXPECT_EQ(unsettled("a\nb\n"), std::vector<std::string>());
  EXPECT_EQ(unsettled(""), std::vector<std::string>());
  EXPECT_EQ(unsettled("a\nb"), std::vector<std::string>{"b"});
  EXPECT_EQ(unsettled("a\n" + frames + "\n"), std::vector<std::string>{frames});
  const std::string whole = frames + "\nValueError: x";
  EXPECT_EQ(unsettled("a\n" + whole + "\n"), std::vector<std::string>{whole}) << "it may yet be chained";
  EXPECT_EQ(unsettled("a\n" + whole + "\nb\n"), std::vector<std::string>());
}

std::vector<model::Record> RecordsOf(const LogFile& file) {
  std::vector<model::Record> records;
  EXPECT_TRUE(ReadLogFile(file, [&](model::Record record) {
                records.push_back(std::move(record));
                return true;
              }).ok());
  return records;
}

TEST_F(LogFolderTest, PrefixOfLauncherTellsWhoseLineItIs) {
  Write("all.log",
        "starting\n[default3]:2026-11-01 00:00:05 step: 5 loss: 2.5\n"
        "\x1b[32m[rank2]:\x1b[0m ready\n[1,1]<stdout>:bound\n");
  std::vector<model::Record> records = RecordsOf({.path = folder_ + "/all.log", .origin = {}});
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].origin.rank, std::nullopt);
  EXPECT_EQ(records[1].origin.rank, 3);
  EXPECT_EQ(records[1].origin.local_rank, 3);
  EXPECT_EQ(records[1].time, *model::ParseTime("2026-11-01T00:00:05Z"));
  EXPECT_EQ(records[1].text, "[default3]:2026-11-01 00:00:05 step: 5 loss: 2.5");
  EXPECT_EQ(records[2].origin.rank, 2);
  EXPECT_EQ(records[3].origin.rank, 1);
}

TEST_F(LogFolderTest, OnANodeKnownByItsPathTheLauncherTellsALocalRank) {
  Write("node_1.log", "[default3]:ready\n");
  LogFile file = DescribeLogFile("node_1.log");
  file.path = folder_ + "/node_1.log";
  model::Origin origin = RecordsOf(file).at(0).origin;
  EXPECT_EQ(origin.rank, std::nullopt);
  EXPECT_EQ(origin.node_rank, 1);
  EXPECT_EQ(origin.local_rank, 3);
}

TEST_F(LogFolderTest, ThePathGoesBeforeThePrefixOfALine) {
  Write("rank_0.log", "[rank7]: as another rank said\n");
  LogFile file = DescribeLogFile("rank_0.log");
  file.path = folder_ + "/rank_0.log";
  EXPECT_EQ(RecordsOf(file).at(0).origin.rank, 0);
}

TEST_F(LogFolderTest, LinesAmidATracebackComeBehindItAsInTheFile) {
  std::string text = "[rank2]: Traceback (most recent call last):\n[rank0]: step 1\n[rank2]: KeyError: 'ids'\n";
  for (int step = 2; step < 9000; ++step) text += "[rank0]: step " + std::to_string(step) + "\n";
  for (const char* end : {"", "[rank1]: Traceback (most recent call last):\n[rank0]: step 9000\n"}) {
    Write("console.log", text + end);
    std::vector<model::Record> records = RecordsOf({.path = folder_ + "/console.log", .origin = {}});
    ASSERT_GE(records.size(), 9000u);
    EXPECT_EQ(records[0].origin.rank, 2);
    for (int step = 1; step < 9000; ++step) {
      ASSERT_EQ(records[step].text, "[rank0]: step " + std::to_string(step));
    }
    if (*end != 0) {
      EXPECT_EQ(records[9000].origin.rank, 1);
    }
  }
}

TEST_F(LogFolderTest, WhatIsUnsettledIsBehindTheLineWhoseTimeItHas) {
  Write("rank_0.log", "2026-11-01 00:00:01 a\nTraceback (most recent call last):\n  File \"a.py\", line 1\n");
  std::vector<model::Record> records = RecordsOf({.path = folder_ + "/rank_0.log", .origin = {}});
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].time, records[0].time + 1);
}

TEST_F(LogFolderTest, LinesBeforeTheFirstTimeAreNotOfToday) {
  Write("rank_0.log", "training ...\n2024-04-09 11:20:12 step: 5 loss: 2.5\n");
  std::vector<base::TimeNs> times;
  ASSERT_TRUE(ReadLogFile({.path = folder_ + "/rank_0.log", .origin = {}}, [&](const model::Record& record) {
                times.push_back(record.time);
                return true;
              }).ok());
  ASSERT_EQ(times.size(), 2u);
  EXPECT_EQ(times[0], times[1]);
}

}  // namespace
}  // namespace rankscope::parse
