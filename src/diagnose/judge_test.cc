#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

TEST(Judge, DoesNotTakeAnyExceptionOfAResumedRunForAFailedLoad) {
  Verdict verdict = JudgeLog(
      "Traceback (most recent call last):\n  File \"/app/train.py\", line 88, in <module>\n"
      "    trainer.train(resume_from_checkpoint=checkpoint)\n"
      "  File \"/app/model.py\", line 41, in run\n    x.repeat(2)\n"
      "AttributeError: 'NoneType' object has no attribute 'repeat'\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
}

TEST(Judge, SeesALossThatDivergedThoughZerosFollow) {
  std::string text = Steps(1, 9);
  for (const char* loss : {"12412.2", "81321.1", "31201.1", "0.0", "0.0"})
    text += "{'loss': " + std::string(loss) + ", 'learning_rate': 9e-05}\n";
  EXPECT_EQ(JudgeLog(text).failure, "loss_spike_or_divergence");
}

TEST(Judge, ReadsATracebackWhoseFirstLineEndsInSpaces) {
  std::string log =
      "Traceback (most recent call last):                 \n  File \"/venv/datasets/arrow_writer.py\", line "
      "575, in write_table\n    self.f.write(x)\nOSError: [Errno 28] No space left on device\n";
  EXPECT_EQ(JudgeLog(log).root_line, "OSError: [Errno 28] No space left on device");
}

TEST(Judge, ReadsATracebackThatSomebodyMovedToTheRight) {
  std::string log =
      "    Traceback (most recent call last):\n      File \"/app/train.py\", line 5, in main\n        step(x)\n"
      "    KeyError: 'text'\n    Killing the run\n";
  EXPECT_EQ(JudgeLog(log).root_line, "    KeyError: 'text'");
  // A progress bar leaves blanks before a header.
  log =
      "                    Traceback (most recent call last):\n  File \"/app/train.py\", line 5, in main\n    "
      "step(x)\n";
  log += "KeyError: 'text'\n";
  EXPECT_EQ(JudgeLog(log).root_line, "KeyError: 'text'");
}

TEST(Judge, BlamesTheRankWhoseCollectiveIsNotThatOfTheOthers) {
  std::string text;
  for (const char* rank : {"1", "2"}) {
    std::string name = rank;
    text += "[rank" + name + "]: RuntimeError: Detected mismatch between collectives on ranks. Rank " + name +
            " is running collective: CollectiveFingerPrint(SequenceNumber=32, OpType=ALLREDUCE, TensorShape=[]), but "
            "Rank 3 is running collective: CollectiveFingerPrint(SequenceNumber=0OpType=GATHER).\n";
  }
  Verdict verdict = JudgeLog(text);
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 3);
}

TEST(Judge, BlamesTheRankWhoseParametersGotNoGradient) {
  Verdict verdict =
      JudgeLog(Traceback("/app/train.py", "RuntimeError: Expected to have finished reduction in the prior iteration.") +
               "Parameter indices which did not receive grad for rank 1: 375 376\n");
  EXPECT_EQ(verdict.failure, "unused_parameters_ddp");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 1);
}

TEST(Judge, TakesATorchWarningWithoutADateForAWarning) {
  Verdict verdict = JudgeLog(
      "[W socket.cpp:697] [c10d] The client socket has failed to connect to [a]:61215 (system error: 10049).\n" +
      Traceback("/app/train.py", "KeyError: 'mask'"));
  EXPECT_EQ(verdict.root_line, "KeyError: 'mask'");
}

TEST(Judge, BlamesTheRankThatHorovodMisses) {
  const char kStall[] =
      "[1,0]<stderr>:One or more tensors were submitted to be reduced, gathered or broadcasted by subset of ranks and "
      "are waiting for remainder of ranks for more than 60 seconds.\n";
  for (const char* names : {"[1,0]<stderr>:Allreduce_0 [missing ranks: 2]\n",
                            "loss_0 [ready ranks: 2], a_0 [ready ranks: 1, 0], b_0 [ready ranks: 0, 1]\n",
                            "[1,0]<stderr>:Stalled ranks:\n[1,0]<stderr>:2: [allreduce.0, allreduce.1 ...]\n",
                            "[1,0]<stderr>:Missing ranks:\n[1,0]<stderr>:1: [allreduce.0]\n[1,0]<stderr>:2: "
                            "[allreduce.0]\n[1,0]<stderr>:Missing ranks:\n[1,0]<stderr>:2: [allreduce.0]\n"}) {
    Verdict verdict = JudgeLog(std::string(kStall) + names);
    EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
    ASSERT_TRUE(verdict.culprit) << names;
    EXPECT_EQ(verdict.culprit->rank, 2);
  }
}

TEST(Judge, BlamesNobodyForANumberedListThatIsNotHorovods) {
  EXPECT_FALSE(JudgeLog("One or more tensors were submitted to be reduced, gathered or broadcasted by subset of ranks "
                        "and are waiting for remainder of ranks for more than 60 seconds.\nTensors:\n2: [loss.0]\n")
                   .culprit);
}

TEST(Judge, TakesAWaitForARankThatEvaluatesAloneForOver) {
  const std::string stall =
      "step 10 loss 0.91\nOne or more tensors were submitted to be reduced, gathered or broadcasted by subset of ranks "
      "and are waiting for remainder of ranks for more than 60 seconds.\nMissing ranks:\n0: [allreduce.0]\n";
  EXPECT_EQ(JudgeLog(stall + "step 11 loss 0.90\n").failure, "none");
  EXPECT_EQ(JudgeLog(stall + "step 11 loss 0.90\n" + stall).failure, "collective_mismatch_hang");
  EXPECT_EQ(JudgeLog(stall + "{'eval_loss': 0.88, 'epoch': 1.0}\n").failure, "none");
  EXPECT_EQ(JudgeLog(stall + "{'eval_loss': 0.88, 'epoch': 1.0}\n" + stall).failure, "collective_mismatch_hang");
  EXPECT_EQ(JudgeLog(stall + "shutting down\n").failure, "collective_mismatch_hang");
}

TEST(Judge, BlamesAllRanksThatAreMissedAlikeUnlessTheyAreTheMost) {
  const std::string stalled = "[1,0]<stderr>:Stalled ops:\n[1,0]<stderr>:Allreduce_0 ";
  EXPECT_EQ(JudgeLog("world_size: 8\n" + stalled + "[missing ranks: 3, 6]\n").culprits, (std::vector<int32_t>{3, 6}));
  EXPECT_TRUE(JudgeLog("world_size: 4\n" + stalled + "[missing ranks: 1, 2, 3]\n").culprits.empty());
}

TEST(Judge, BlamesTheRankThatGloosBarrierMisses) {
  for (const char* words :
       {"[E ProcessGroupGloo.cpp:136] Rank 1 successfully reached monitoredBarrier, but received errors while waiting "
        "for send/recv from rank 2. Please check rank 2 logs for faulty rank.\n",
        "RuntimeError: [Rank 0]: Ranks 2 failed to pass monitoredBarrier in 30000 ms\n"}) {
    Verdict verdict = JudgeLog(std::string("loading the model\n") + words);
    EXPECT_EQ(verdict.failure, "gloo_error");
    EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2}) << words;
  }
}

TEST(Judge, WhatStandsLastInItsFileIsLastThoughItsClockWentBack) {
  std::string steps;
  for (int step = 1; step <= 300; ++step) {
    char time[32];
    std::snprintf(time, sizeof time, "[2026-11-01 00:00:%02d,000] ", step % 60);
    steps += Steps(step, step) + time + "[INFO] fetched batch\n";
  }
  Verdict verdict = Judge({{"rank0.log", steps}, {"rank1.log", steps + Traceback("/app/a.py", "KeyError: 'mask'")}});
  EXPECT_FALSE(verdict.healthy);
  EXPECT_EQ(verdict.root_line, "KeyError: 'mask'");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 1);
}

TEST(Judge, NamesTheFirstCauseOfAChain) {
  Verdict verdict = JudgeLog(Traceback("/app/io.py", "OSError: [Errno 5] Input/output error: '/mnt/a.bin'") +
                             "\nThe above exception was the direct cause of the following exception:\n\n" +
                             Traceback("/app/train.py", "RuntimeError: cannot go on"));
  EXPECT_EQ(verdict.failure, "filesystem_stale_or_io_error");
  EXPECT_EQ(verdict.root_line, "OSError: [Errno 5] Input/output error: '/mnt/a.bin'");
}

const char kGlooClosed[] =
    "RuntimeError: [../third_party/gloo/gloo/transport/tcp/pair.cc:598] Connection closed by peer [10.0.0.2]:4711";

TEST(Judge, BlamesTheRankThatDiedNotThoseThatSawItGo) {
  Verdict verdict =
      Judge({{"rank_0.log", Steps(1, 9) + Traceback("/app/dist.py", kGlooClosed)},
             {"rank_1.log", Steps(1, 9) + Traceback("/app/model.py", "IndexError: list index out of range")},
             {"rank_2.log", Steps(1, 9) + Traceback("/app/dist.py", kGlooClosed)}});
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 1);
  EXPECT_EQ(verdict.culprit->step, 9);
}

std::string Watchdog(int rank, int sequence, const std::string& operation) {
  std::string name = std::to_string(rank);
  return "[rank" + name + "]:[E810 03:04:11.061727749 ProcessGroupNCCL.cpp:683] [Rank " + name +
         "] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=" + std::to_string(sequence) +
         ", OpType=" + operation +
         ", NumelIn=80, NumelOut=80, Timeout(ms)=600000) ran for 600096 milliseconds before timing out.\n";
}

TEST(Judge, BlamesTheRankThatNoWatchdogReportIsOf) {
  Verdict verdict = JudgeLog("world_size: 4\n" + Watchdog(0, 78, "ALLREDUCE") + Watchdog(1, 78, "ALLREDUCE") +
                             Watchdog(3, 78, "ALLREDUCE"));
  EXPECT_EQ(verdict.failure, "nccl_timeout");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 2);
}

TEST(Judge, SeesThatOneRankIssuedAnotherCollective) {
  Verdict verdict =
      JudgeLog(Watchdog(0, 78, "ALLREDUCE") + Watchdog(1, 78, "BROADCAST") + Watchdog(2, 78, "ALLREDUCE"));
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 1);
}

TEST(Judge, AbstainsWhereAllWaitAlike) {
  Verdict verdict = JudgeLog(Watchdog(0, 78, "ALLREDUCE") + Watchdog(1, 78, "ALLREDUCE"));
  EXPECT_EQ(verdict.failure, "nccl_timeout");
  EXPECT_FALSE(verdict.culprit);
  EXPECT_FALSE(verdict.would_settle.empty());
}

TEST(Judge, TakesALoneSigkillForAnUnexplainedOneWithLittleConfidence) {
  Verdict verdict =
      JudgeLog(Steps(1, 9) +
               "WARNING:torch.distributed.elastic.multiprocessing.api:Sending process 4384 closing signal SIGTERM\n"
               "ERROR:torch.distributed.elastic.multiprocessing.api:failed (exitcode: -9) local_rank: 2 (pid: 4386) of "
               "binary: /usr/bin/python3\n");
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_EQ(verdict.kind, "sigkill_unexplained");
  EXPECT_LT(verdict.confidence, 0.5);
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 2);
}

TEST(Judge, SeesByTheTracebacksThatOneRankWaitedInAnotherCall) {
  auto waits = [](int rank, const std::string& line) {
    std::string name = "[rank" + std::to_string(rank) + "]: ";
    return name + "Traceback (most recent call last):\n" + name + "  File \"/app/train.py\", line " + line +
           ", in main\n" + name + "    step()\n" + name +
           "RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/unbound_buffer.cc:81] Timed out waiting 8000ms "
           "for "
           "recv operation to complete\n";
  };
  Verdict verdict = JudgeLog(Steps(1, 9) + waits(0, "70") + waits(2, "80") + waits(1, "70"));
  EXPECT_EQ(verdict.failure, "collective_mismatch_hang");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 2);
}

TEST(Judge, TakesAnErrorFileWhereThereIsNoLog) {
  Verdict verdict = Judge(
      {{"attempt_0/1/error.json", R"({"message": {"message": "KeyError: 'caption'", "extraInfo": {"py_callstack": )"
                                  R"("Traceback (most recent call last):\n", "timestamp": "1723456789"}}})"}});
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.root_line, "KeyError: 'caption'");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 1);
  EXPECT_FALSE(verdict.advice.empty());
}

TEST(Judge, SeesALossThatIsNoNumberAnyMore) {
  Verdict verdict = JudgeLog(
      Steps(1, 9) +
      "{'loss': nan, 'learning_rate': 1e-05, 'step': 10}\n{'loss': nan, 'learning_rate': 1e-05, 'step': 11}\n");
  EXPECT_EQ(verdict.failure, "nan_or_inf_loss");
  EXPECT_EQ(verdict.root_line, "{'loss': nan, 'learning_rate': 1e-05, 'step': 10}");
}

// Of each rank from which step on its loss is lost; 0: never.
Verdict JudgeLosses(const std::vector<int>& lost_from) {
  Files files;
  for (size_t rank = 0; rank < lost_from.size(); ++rank) {
    std::string text = Steps(1, lost_from[rank] == 0 ? 12 : lost_from[rank] - 1);
    for (int step = lost_from[rank]; step > 0 && step <= 12; ++step) {
      text += "{'loss': nan, 'learning_rate': 1e-05, 'step': " + std::to_string(step) + "}\n";
    }
    files.emplace_back("rank_" + std::to_string(rank) + ".log", text);
  }
  return Judge(files);
}

TEST(Judge, TellsTheFirstBadStepAndWhetherOneRankAloneHasIt) {
  Verdict alone = JudgeLosses({0, 10, 0});
  EXPECT_EQ(alone.culprits, std::vector<int32_t>{1});
  EXPECT_EQ(
      alone.figures.at(0),
      "not a number from step 10 on, in 3 reports in a row; 9 reports were finite; of one rank alone, while those "
      "of 2 others stayed finite: look at its data and its GPU");
  EXPECT_NE(alone.summary.find("on rank 1, from step 10"), std::string::npos) << alone.summary;
  Verdict spread = JudgeLosses({11, 10, 0});
  EXPECT_NE(spread.figures.at(0).find("; of 2 of the 3 ranks that report"), std::string::npos) << spread.figures[0];
  Verdict one = JudgeLosses({10});
  EXPECT_NE(one.figures.at(0).find("whose were lost first is not known"), std::string::npos) << one.figures[0];
}

TEST(Judge, DoesNotTakeWhatAnEngineSaysOfItsRequestsForTheJobs) {
  Verdict verdict = JudgeLog(Steps(1, 5) +
                             "WARNING 01-02 10:00:00 [scheduler.py:1011] Sequence group 7 is preempted by "
                             "PreemptionMode.RECOMPUTE mode because there is not enough KV cache space.\n");
  EXPECT_TRUE(verdict.healthy) << verdict.failure << " " << verdict.root_line;
}

TEST(Judge, TakesNoStragglersFoundForGoodNews) {
  Verdict verdict = JudgeLog(Steps(1, 5) + "straggler report: no stragglers found\n");
  EXPECT_TRUE(verdict.healthy) << verdict.failure << " " << verdict.root_line;
}

TEST(Judge, TakesAQuotaBelowMegatronsWriterForAFailedSave) {
  Verdict verdict = JudgeLog(
      Steps(1, 5) +
      "Traceback (most recent call last):\n  File "
      "\"/ws/megatron/core/dist_checkpointing/strategies/filesystem_async.py\", "
      "line 281, in write_preloaded_data\n    os.fsync(stream.fileno())\nOSError: [Errno 122] Disk quota exceeded\n");
  EXPECT_EQ(verdict.failure, "checkpoint_save_failed");
}

TEST(Judge, BlamesTheSlowRankThatAnotherReports) {
  Verdict verdict =
      JudgeLog(Steps(1, 5) + "[rank0]: WARNING slow rank detected: rank 7, forward 2.1s, mean 1.0s\n" + Steps(6, 12));
  EXPECT_EQ(verdict.failure, "straggler");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 7);
}

TEST(Judge, TakesTheLastCallOfAFailedLaunchForNoWait) {
  Verdict verdict =
      JudgeLog("Traceback (most recent call last):\n  File \"/app/train.py\", line 20, in main\n    dist.barrier()\n" +
               std::string(kGlooClosed) + "\n");
  EXPECT_EQ(verdict.failure, "gloo_error");
  EXPECT_EQ(verdict.root_line, kGlooClosed);
}

TEST(Judge, SeesALossThatLeavesItsCourseForGood) {
  std::string text = Steps(1, 12);
  for (int step = 13; step < 17; ++step)
    text += "{'loss': " + std::to_string(step) + ".5, 'step': " + std::to_string(step) + "}\n";
  Verdict verdict = JudgeLog(text);
  EXPECT_EQ(verdict.failure, "loss_spike_or_divergence");
  EXPECT_EQ(verdict.root_line, "{'loss': 13.5, 'step': 13}");
}

TEST(Judge, NamesTheExtremeSampleOfAnOutOfMemory) {
  std::string text;
  for (int step = 1; step < 8; ++step)
    text += "step " + std::to_string(step) + " loss 1.5\nInput image size: [3, 512, 512]\n";
  text += "Input image size: [3, 8192, 4096]\n" +
          Traceback("/app/model.py",
                    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 4.20 GiB. GPU 3 has a total "
                    "capacity of 79.10 GiB of which 1.10 GiB is free. Including non-PyTorch memory, this process has "
                    "77.90 GiB memory in use. Of the allocated memory 75.01 GiB is allocated by PyTorch, and 1.02 GiB "
                    "is reserved by PyTorch but unallocated.");
  Verdict verdict = Judge({{"rank_3.log", text}});
  EXPECT_EQ(verdict.failure, "cuda_oom");
  EXPECT_EQ(verdict.kind, "one extreme sample");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 3);
  ASSERT_FALSE(verdict.figures.empty());
  EXPECT_EQ(verdict.figures.front(), "asked for 4.20 GiB");
}

TEST(Judge, TellsWherePythonStoodWhenNativeCodeDied) {
  const Verdict verdict = Judge(
      {{"rank_1.log",
        Steps(1, 4) + "Fatal Python error: Segmentation fault\n\nThread 0x00007f1111111700 (most recent call first):\n"
                      "  File \"/usr/lib/python3.11/threading.py\", line 324 in wait\n\n"
                      "Current thread 0x00007f2222222740 (most recent call first):\n"
                      "  File \"/app/rope.py\", line 88 in apply\n  File \"/app/train.py\", line 9 in <module>\n\n"
                      "Extension modules: numpy.core._multiarray_umath, torch._C (total: 2)\n"},
       {"rank_0.log", Steps(1, 4)}});
  EXPECT_EQ(verdict.failure, "segfault_sigsegv");
  EXPECT_EQ(verdict.figures.front(), "Python stood in apply (rope.py:88) when it died");
  EXPECT_TRUE(verdict.alternatives.empty()) << "a list of modules is no exception: " << verdict.alternatives[0].failure;
}

TEST(Judge, LeavesNothingOpenWhereTheSchedulerTellsWhyItEndedTheJob) {
  const Verdict verdict = JudgeLog(
      Steps(1, 9) + "slurmstepd: error: *** JOB 9 ON n1 CANCELLED AT 2026-11-26T12:00:00 DUE TO TIME LIMIT ***\n");
  EXPECT_EQ(verdict.failure, "sigterm_preempted");
  EXPECT_TRUE(verdict.would_settle.empty());
}

TEST(Judge, TellsTheStepOfOthersWhereTheRankReportsNone) {
  const Verdict verdict = Judge({{"rank_0.log", Steps(1, 7)}, {"rank_1.log", Traceback("/app/a.py", "KeyError: 'x'")}});
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
  EXPECT_EQ(verdict.culprit->step, 7);
}

TEST(Judge, NamesTheNodeWhereNothingTellsTheRank) {
  std::string log;
  for (const char* node : {"0", "1"}) log += std::string("[pod/job-") + node + "/main] local_rank: 0, local_rank: 1\n";
  const std::string raised = Traceback("/app/data.py", "KeyError: 'pixels'");
  for (size_t begin = 0, end = 0; begin < raised.size(); begin = end) {
    end = raised.find('\n', begin) + 1;
    log += "[pod/job-1/main] " + raised.substr(begin, end - begin);
  }
  const Verdict verdict = JudgeLog(log);
  EXPECT_TRUE(verdict.culprits.empty());
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->node_rank, 1);
  EXPECT_FALSE(verdict.culprit->rank);
  EXPECT_NE(verdict.summary.find("on node 1"), std::string::npos) << verdict.summary;
}

TEST(Judge, NeverShowsASecret) {
  Verdict verdict = JudgeLog(Traceback("/app/hub.py", "ValueError: bad token hf_abcdefghijklmnopqrstuvwxyz0123456789"));
  EXPECT_EQ(verdict.root_line.find("hf_abcdefghij"), std::string::npos) << verdict.root_line;
}

TEST(Judge, GoesOnFromACheckpointOfAStepBeforeTheFailureThatIsReadBehindIt) {
  const std::string failed = Steps(1, 4) + "[rank1]: RuntimeError: CUDA out of memory. Tried to allocate 4.20 GiB.\n";
  const Verdict told = JudgeLog(failed + "[rank0]: Saved checkpoint to out/checkpoint-3\n");
  ASSERT_FALSE(told.restart.empty());
  EXPECT_EQ(told.restart.front(), "go on from checkpoint out/checkpoint-3; 1 step is lost");
  const Verdict later = JudgeLog(failed + "[rank0]: Saved checkpoint to out/checkpoint-9\n");
  ASSERT_FALSE(later.restart.empty());
  EXPECT_EQ(later.restart.front(), "the log shows no finished checkpoint: 4 steps may be lost");
}

}  // namespace
}  // namespace rankscope::diagnose
