#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const std::string kLaunch = "[10:00:01] world size 4, backend nccl\n[10:00:02] rank 0 on gpu 0\n";

// Each the last word of several processes that never made a step.
const char* const kUnderWay[] = {
    "Loading the vocabulary from /data/words.txt",
    "[10:00:05] Building the index of samples",
    "Compiling the fused optimizer for this machine",
    "Wrapping the model for sharded training",
    "process_id = 2, size = 4",
    "Running the command ['python', '-m', 'torch.distributed.run', 'train.py']",
    "| distributed init (rank 3): env://",
    "***** Running training *****",
    "[10:00:05] trainer INFO: Start training",
    "gpu1:310:352 [1] NCCL INFO Using network Socket",
    "I0212 10:00:05.1 42 collectives.py:17] 12 all-reduces in 1 pack",
};

TEST(StalledLaunch, IsAHangWhereTheLastWordTellsOfWorkThatNeverCameToAStep) {
  for (const char* last : kUnderWay) {
    Verdict verdict = JudgeLog(kLaunch + last + "\n\n");
    EXPECT_EQ(verdict.failure, "process_hung") << last;
    EXPECT_NE(verdict.root_line.find(last), std::string::npos) << verdict.root_line;
    EXPECT_LT(verdict.confidence, 0.5);
    EXPECT_TRUE(verdict.culprits.empty());
  }
}

TEST(StalledLaunch, TheFewThatNeverSaidThatTheyWaitAreWhatAllOthersWaitFor) {
  const std::string wait = "Initializing process group, waiting for all ranks\n";
  std::string most, half;
  for (int rank = 0; rank < 6; ++rank) {
    const std::string own = "[rank" + std::to_string(rank) + "]: ";
    most += own + (rank == 3 ? "Downloading tokenizer.json\n" : wait);
    half += own + (rank % 2 == 0 ? "Downloading tokenizer.json\n" : wait);
  }
  const Verdict verdict = JudgeLog(most);
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
  EXPECT_LT(verdict.confidence, 0.5);
  EXPECT_TRUE(JudgeLog(half + "[rank1]: " + wait).culprits.empty());
  EXPECT_TRUE(JudgeLog(most + "[rank3]: " + wait).culprits.empty());
}

TEST(StalledLaunch, ItsRootIsTheLastWordThoughTheWaitStandsAbove) {
  Verdict verdict =
      JudgeLog(kLaunch + "Using /cache/torch_extensions as PyTorch extensions root...\nEmitting a file\n----\n");
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_EQ(verdict.root_line, "Emitting a file");
}

TEST(StalledLaunch, IsAHangOfOneProcessThatSaysThatItWaits) {
  for (const char* last : {"The server is not up yet. Retrying in 2.0 seconds...", "still waiting for the lock",
                           "Converting the rows:   0%|          | 0/21000 [00:00<?, ? rows/s]"}) {
    EXPECT_EQ(JudgeLog(std::string("starting\n") + last + "\n").failure, "process_hung") << last;
    EXPECT_TRUE(JudgeLog(Steps(1, 3) + last + "\n").healthy) << last;
  }
}

TEST(StalledLaunch, IsNoLessAHangWhereAModelWasLoaded) {
  Verdict verdict = JudgeLog(
      "Loading checkpoint shards: 100%|##########| 14/14 [01:19<00:00,  5.69s/it]\n"
      "11:05:18    INFO Building a 1-D device mesh of 8\n11:07:08    INFO Starting training loop\n");
  EXPECT_EQ(verdict.failure, "process_hung");
}

TEST(StalledLaunch, ItsRootIsNoLineOfCodeUnderAWarning) {
  const std::string warning =
      "/venv/bridge.py:146: UserWarning: TPU backend initialization is taking more than 60.0 s.";
  Verdict verdict = JudgeLog(warning + "\n  warnings.warn(\n");
  EXPECT_EQ(verdict.failure, "process_hung");
  EXPECT_EQ(verdict.root_line, warning);
}

TEST(StalledLaunch, IsNoneAfterAStep) {
  for (const char* last : kUnderWay) {
    Verdict verdict = JudgeLog(kLaunch + Steps(1, 3) + last + "\n");
    EXPECT_TRUE(verdict.healthy) << last << verdict.failure;
  }
}

TEST(StalledLaunch, IsNoneOfOneProcessNorWhereTheWorkIsDone) {
  for (const char* last : kUnderWay) {
    auto says = [&](const char* word) { return std::string(last).find(word) != std::string::npos; };
    if (says("rank") || says("distributed") || says("NCCL")) continue;
    EXPECT_TRUE(JudgeLog(std::string("reading the settings\n") + last + "\n").healthy) << last;
  }
  for (const char* last : {"Loading took 3.1 s", "Finished building the index", "saved to /data/out",
                           "gpu1:310:352 [1] NCCL INFO comm 0x51 rank 1 nranks 4 - Destroy COMPLETE"}) {
    EXPECT_TRUE(JudgeLog(kLaunch + last + "\n").healthy) << last;
  }
}

TEST(StalledLaunch, IsNoneOfWhatWaitsForWorkOrTidiesUp) {
  for (const char* last :
       {"wandb: Waiting for W&B process to finish... (success).", "Uvicorn running on port 8123, waiting for requests",
        "head node is ready, waiting for jobs", "Waiting for application startup.", "Creating README.md",
        "Building the report page", "Starting upload to hub", "Shutting down, broadcasting stop", "Setting seed to 3",
        "Preparing the results", "Launching the serving loop"}) {
    EXPECT_TRUE(JudgeLog(kLaunch + last + "\n").healthy) << last;
  }
  const std::string bar = "Evaluating: 100%|██████████| 40/40 [00:09<00:00, 4.2it/s]\n";
  EXPECT_TRUE(JudgeLog(kLaunch + bar + "Compressing the answers\n").healthy);
  EXPECT_FALSE(JudgeLog(kLaunch + "Compressing the answers\n").healthy);
}

TEST(StalledLaunch, IsNoneOfOneProcessWhoseSettingsSpeakOfSeveral) {
  for (const char* said : {"lora rank: 8", "distributed_type: NO", "num_processes: 1", "world size: 1",
                           "deepspeed=None, fsdp=[]", "rank 0 on gpu 0"}) {
    EXPECT_TRUE(JudgeLog(std::string(said) + "\nLoading the vocabulary\n").healthy) << said;
  }
  for (const char* said : {"num_processes: 2", "world_size=16", "rank 3 of 8 is here", "[rank0]: here\n[rank1]: here",
                           "setting up distributed training"}) {
    EXPECT_FALSE(JudgeLog(std::string(said) + "\nLoading the vocabulary\n").healthy) << said;
  }
}

TEST(StalledLaunch, IsNoneOfOneProcessThatSaysSoInTheWordsOfSeveral) {
  for (const char* said :
       {"Process rank: 0, device: cuda:0, n_gpu: 1, distributed training: False, 16-bits training: True",
        "Distributed environment: DistributedType.NO", "Distributed environment: NO", "Not using distributed mode",
        "Namespace(distributed=False, lr=0.1)", "Building 0-D device mesh with [], []"}) {
    EXPECT_TRUE(JudgeLog(std::string(said) + "\n***** Running training *****\n").healthy) << said;
  }
  EXPECT_TRUE(JudgeLog("Initializing distributed: GLOBAL_RANK: 0, MEMBER: 1/1\n"
                       "All distributed processes registered. Starting with 1 processes\n")
                  .healthy);
  EXPECT_TRUE(JudgeLog("found world_rank=0, world_size=1\ninit with backend nccl\nLoading the data\n").healthy);
  EXPECT_FALSE(JudgeLog("world_size=1\n[rank0]: here\n[rank1]: here\nLoading the data\n").healthy);
  EXPECT_FALSE(JudgeLog("Initializing distributed: GLOBAL_RANK: 0, MEMBER: 1/16\n").healthy);
  EXPECT_FALSE(JudgeLog("Distributed environment: MULTI_GPU  Backend: x\n***** Running training *****\n").healthy);
}

TEST(StalledLaunch, IsNoneOfWhatIsDistributedInAnotherSense) {
  for (const char* said : {"errors are normally distributed", "distributed under the licence beside it",
                           "distributed.worker - INFO - a worker is here"}) {
    EXPECT_TRUE(JudgeLog(std::string(said) + "\nLoading the vocabulary\n").healthy) << said;
  }
}

TEST(StalledLaunch, IsNoneWhereABarIsFilledBehindTheWait) {
  const std::string wait = "All distributed processes registered. Starting with 2 processes\n";
  const std::string bar = "100%|##########| 10/10 [00:01<00:00]\n";
  EXPECT_TRUE(JudgeLog(wait + "Testing DataLoader 0: " + bar + "accuracy 0.5\n").healthy);
  EXPECT_FALSE(JudgeLog("Testing the tokenizer: " + bar + wait).healthy);
}

TEST(StalledLaunch, IsNoneOnceNcclHasTakenItsCommunicatorsDown) {
  const std::string nccl = "gpu1:310:352 [1] NCCL INFO ";
  const std::string begun = kLaunch + nccl + "Connected all rings\nthe sum is 6\n";
  const std::string ended = begun + nccl + "comm 0x51 rank 1 nranks 4 - Destroy COMPLETE\n";
  for (const char* last : {"ENV/Plugin: Closing env plugin ncclEnvDefault", "Unloading network plugin"}) {
    EXPECT_TRUE(JudgeLog(ended + nccl + last + "\n").healthy) << last;
  }
  EXPECT_FALSE(JudgeLog(begun).healthy);
  EXPECT_FALSE(JudgeLog(ended + nccl + "comm 0x52 rank 1 nranks 4 - Init START\n").healthy);
}

TEST(StalledLaunch, IsNoneOfAnExcerptOfNcclThatEndsWithItsChannels) {
  const std::string nccl = "gpu4:77:91 [3] NCCL INFO ";
  const std::string piece = nccl + "Channel 00/0 : 3[3] -> 0[0] via P2P/IPC\n" + nccl + "Connected all rings\n";
  EXPECT_TRUE(JudgeLog(piece).healthy);
  EXPECT_EQ(JudgeLog(kLaunch + piece).failure, "process_hung");
}

TEST(StalledLaunch, IsNoneOfAnExcerptOfHowNcclSetItselfUp) {
  const std::string nccl = "gpu1:310:352 [1] NCCL INFO ",
                    other = "gpu1:309:351 [0] init:70 NCCL WARN NET/X no device\n";
  const std::string setup =
      nccl + "NET/Socket : Using [0]eth0:10.0.0.4<0>\n\n" + other + nccl + "Setting affinity for GPU 1 to ff\n";
  EXPECT_TRUE(JudgeLog(setup).healthy);
  EXPECT_EQ(JudgeLog(kLaunch + setup).failure, "process_hung");
  const std::string begins = "comm 0x51 rank 1 nranks 4 - Init START\n";
  EXPECT_EQ(JudgeLog(nccl + "Using network Socket\n" + nccl + begins).failure, "process_hung");
  EXPECT_TRUE(JudgeLog(setup + nccl + begins).healthy) << "another process has not begun";
  EXPECT_TRUE(JudgeLog(nccl + begins + nccl + "Connected all trees\n").healthy);
  EXPECT_TRUE(JudgeLog("NCCL version 2.31.7+cuda13.1\n" + setup).healthy);
  EXPECT_TRUE(JudgeLog("$ ./all_gather_perf -g 2\n#  Rank  1 Group  0 Pid  309 on gpu1\n" + setup).healthy);
}

TEST(StalledLaunch, IsNoneOfAnExcerptThatEndsAmongNcclsDevices) {
  const std::string nccl = kLaunch + "gpu4:77:77 [3] NCCL INFO ";
  EXPECT_TRUE(JudgeLog(nccl + "NET/Plugin: No plugin found (libnccl-net.so)\n").healthy);
  EXPECT_TRUE(JudgeLog(nccl + "NET/Socket : Using [0]eth0:10.0.0.4<0>\n").healthy);
  EXPECT_EQ(JudgeLog(nccl + "Using network Socket\n").failure, "process_hung");
}

TEST(StalledLaunch, IsLessThanAnythingElseThatIsSaid) {
  Verdict verdict = JudgeLog(kLaunch + "srun: error: gpu3: task 2: Exited with exit code 1\nLoading the words\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
}

}  // namespace
}  // namespace rankscope::diagnose
