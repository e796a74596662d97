#include "diagnose/testing/case_folder.h"

namespace rankscope::diagnose {
namespace {

constexpr base::TimeNs kMidnight = 1'793'491'200 * base::kNsPerSecond;  // 2026-11-01

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

TEST_F(CaseReaderTest, TreesOfNodesWithOneRankEachTellTheRanks) {
  Write("node_0/x_1/attempt_0/0/stdout.log", "[rank0]: a\n");
  Write("node_1/x_2/attempt_0/0/stdout.log", "b\n");
  EXPECT_EQ(Find(ReadFolder(), "b").rank, 1);
  Write("hosts/node_0/local_rank_0.log", "c\n");
  Write("hosts/node_1/local_rank_0.log", "d\n");
  EXPECT_FALSE(Find(Read({folder_ + "/hosts"}), "d").rank) << "others may have printed nothing";
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

}  // namespace
}  // namespace rankscope::diagnose
