#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

TEST(Judge, TakesATaskThatSlurmIsDoneWithForNoEndOfTheTraining) {
  std::string log = Steps(1, 4) +
                    "Evaluating:  40%|####  | 4/10 [00:04<00:06]slurmstepd: error: *** STEP 61.0 ON gpu3 "
                    "CANCELLED AT 2026-02-01T10:00:00 ***\nsrun: debug:  task 2 done\n";
  EXPECT_EQ(JudgeLog(log).failure, "sigterm_preempted");
}

TEST(Judge, BlamesTheActorWhoseNameTellsItsPlace) {
  std::string log =
      "ray.exceptions.ActorDiedError: The actor died unexpectedly before finishing this task.\n\tclass_name: "
      "create_colocated_worker_cls.<locals>.WorkerDict\n\tactor_id: 26112883\n\tpid: 909447\n\tname: "
      "a7WorkerDict_0:3\n\tnamespace: 807a\n";
  EXPECT_EQ(JudgeLog(log).culprits, std::vector<int32_t>{3});
  const std::string of_task = "ray.exceptions.RayTaskError(ActorDiedError): ray::Runner.run() (pid=90, ip=10.0.0.4)\n";
  EXPECT_EQ(JudgeLog(of_task + "  File \"/app/a.py\", line 3, in fit\n    step()\n" + log).culprits,
            std::vector<int32_t>{3});
  std::string of_two = log, of_second_node = log;
  of_two.replace(of_two.find("_0:3"), 4, "_0:1");
  of_second_node.replace(of_second_node.find("_0:3"), 4, "_1:3");
  EXPECT_TRUE(JudgeLog(log + of_two).culprits.empty());
  EXPECT_TRUE(JudgeLog(of_second_node).culprits.empty());
}

TEST(Judge, BlamesTheProcessThatHorovodsLauncherNames) {
  std::string log =
      "RuntimeError: Horovod detected that one or more processes exited with non-zero status, thus causing the job to "
      "be terminated. The first process to do so was:\nProcess name: 2\nExit code: 1\n";
  Verdict verdict = JudgeLog(
      "Traceback (most recent call last):\n  File \"/venv/horovod/gloo_run.py\", line 329, in "
      "launch_gloo\n    raise RuntimeError(x)\n" +
      log);
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
}

TEST(Judge, TakesAKillBehindTheProcessThatALauncherNamesFirstForItsDoing) {
  const std::string first =
      "RuntimeError: Horovod detected that one or more processes exited with non-zero status, thus causing the job to "
      "be terminated. The first process to do so was:\nProcess name: 2\nExit code: 1\n";
  const std::string kill = "INFO: container failed with non-zero exit code:  (exit code 137)\n";
  EXPECT_EQ(JudgeLog(first + kill).culprits, std::vector<int32_t>{2});
  EXPECT_EQ(JudgeLog(first + kill).failure, "python_exception_one_rank");
  EXPECT_EQ(JudgeLog(kill + first).failure, "host_oom_killed");
}

TEST(Judge, BlamesTheProcessThatALauncherSawEnd) {
  const std::string killed = "Process 3 exit with status code 137.\n";
  EXPECT_EQ(JudgeLog(killed + "Process 0 exit with status code 134.\n").failure, "host_oom_killed");
  EXPECT_EQ(JudgeLog(killed + "Process 0 exit with status code 134.\n").culprits, std::vector<int32_t>{3});
  EXPECT_TRUE(JudgeLog(Steps(1, 4) + "Process 3 exit with status code 0.\n").healthy);
  const std::string worker = "ERROR 02-03 10:00:07 [multiproc_executor.py:140] Worker proc VllmWorker-3 died ";
  EXPECT_EQ(JudgeLog(worker + "unexpectedly, shutting down executor.\n").culprits, std::vector<int32_t>{3});
  const Verdict killed_worker = JudgeLog(worker + "unexpectedly (exit code: -9), shutting down executor.\n");
  EXPECT_EQ(killed_worker.failure, "host_oom_killed");
  EXPECT_EQ(killed_worker.culprits, std::vector<int32_t>{3});
}

TEST(Judge, TakesALaunchersTableForAFailureWhereNothingElseIsSaid) {
  Verdict verdict = JudgeLog(
      "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \ntrain.py FAILED\n"
      "Root Cause (first observed failure):\n[0]:\n  rank      : 0 (local_rank: 0)\n  exitcode  : 1 (pid: 78)\n");
  EXPECT_FALSE(verdict.healthy);
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
}

TEST(Judge, BlamesTheRankThatComposerSawCrash) {
  Verdict verdict = JudgeLog("ERROR:composer.cli.launcher:Global rank 3 (PID 208865) exited with code -11\n");
  EXPECT_EQ(verdict.failure, "segfault_sigsegv");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 3);
}

// torch 2.x prints a table in which every rank that the launcher ended has its signal.
TEST(Judge, DoesNotTakeTheLaunchersSigtermForAPreemption) {
  Verdict verdict = JudgeLog(
      Steps(1, 9) + Traceback("/app/model.py", "KeyError: 'pixel_values'") +
      "W0810 03:04:11.061000 17 torch/distributed/elastic/multiprocessing/api.py:897] Sending process 20 closing "
      "signal SIGTERM\n"
      "E0810 03:04:12.061000 17 torch/distributed/elastic/multiprocessing/api.py:869] failed (exitcode: 1) local_rank: "
      "1 (pid: 21) of binary: /usr/bin/python3\n"
      "Failures:\n[1]:\n  time      : 2026-08-10_03:04:11\n  host      : a\n  rank      : 0 (local_rank: 0)\n"
      "  exitcode  : -15 (pid: 20)\n  error_file: <N/A>\n  traceback : Signal 15 (SIGTERM) received by PID 20\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 1);
}

constexpr char kStepCancelled[] = "slurmstepd: error: *** STEP 77.0 ON gpu03 CANCELLED AT 2026-02-01T10:00:00 ***\n";

TEST(Judge, BlamesTheTaskThatDiedBeforeSlurmCancelledTheStep) {
  Verdict verdict = JudgeLog(Steps(1, 5) +
                             "srun: error: gpu03: task 1: Segmentation fault (core dumped)\n"
                             "srun: Terminating StepId=77.0\n" +
                             kStepCancelled + "srun: error: gpu03: tasks 0,2-3: Terminated\n");
  EXPECT_EQ(verdict.failure, "segfault_sigsegv");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 1);
}

// As `srun -l` prints it.
std::string Labelled(int task, const std::string& text) {
  std::string labelled;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    labelled += std::to_string(task) + ": " + text.substr(begin, end - begin) + "\n";
  }
  return labelled;
}

TEST(Judge, BlamesTheTaskThatRaisedBeforeSlurmSaidThatItCancelledTheStep) {
  Verdict verdict = JudgeLog(
      Labelled(0, Steps(1, 4)) + Labelled(1, Steps(1, 4) + Traceback("/app/model.py", "KeyError: 'labels'")) +
      kStepCancelled + "srun: error: gpu03: task 0: Terminated\nsrun: error: gpu04: task 1: Exited with exit code 1\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
}

TEST(Judge, TakesAStepThatWasCancelledBeforeAnyTaskEndedForEndedFromOutside) {
  Verdict verdict = JudgeLog(Steps(1, 5) + kStepCancelled + "srun: error: gpu03: task 1: Exited with exit code 1\n");
  EXPECT_EQ(verdict.failure, "sigterm_preempted");
}

TEST(Judge, NamesTheTaskThatSlurmSaysRanOutOfMemory) {
  Verdict verdict = JudgeLog(Steps(1, 5) +
                             "slurmstepd: error: Detected 1 oom_kill event in StepId=77.0. Some of the step tasks have "
                             "been OOM Killed.\nsrun: error: gpu03: task 2: Out Of Memory\n");
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 2);
}

// DeepSpeed prints the command of the process that it started last, whichever was killed.
TEST(Judge, BlamesNobodyForTheCommandThatDeepSpeedPrints) {
  Verdict verdict = JudgeLog(Steps(1, 5) +
                             "[2026-02-01 10:00:00,100] [ERROR] [launch.py:325:sigkill_handler] ['/usr/bin/python3', "
                             "'-u', 'train.py', '--local_rank=1', '--deepspeed', 'z3.json'] exits with return code = "
                             "-9\n");
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  EXPECT_FALSE(verdict.culprit);
}

TEST(Judge, TakesAnExitCodeForAFailureWhereNothingElseIsSaid) {
  const std::pair<const char*, int> texts[] = {
      {"srun: error: gpu03: task 3: Exited with exit code 1\nsrun: Terminating StepId=77.0\n", 3},
      {"mpirun detected that one or more processes exited with non-zero status, thus causing\nthe job to be "
       "terminated. "
       "The first process to do so was:\n\n  Process name: [[41211,1],2]\n  Exit code:    7\n",
       2},
      {"torch.multiprocessing.spawn.ProcessExitedException: process 2 terminated with exit code 3\n", 2},
      {"[2026-02-01 10:00:00,100] [ERROR] [launch.py:325:sigkill_handler] ['/usr/bin/python3', 'train.py', "
       "'--local_rank=0'] exits with return code = 1\n",
       0}};
  for (const auto& [text, rank] : texts) {
    Verdict verdict = JudgeLog(Steps(1, 5) + text);
    EXPECT_EQ(verdict.failure, "python_exception_one_rank") << text;
    EXPECT_TRUE(verdict.culprit && verdict.culprit->rank == rank) << text;
  }
}

std::string RowOfTable(int rank, int code) {
  std::string name = std::to_string(rank);
  return "[" + name + "]:\n  time      : 2026-08-10_03:04:11\n  host      : a\n  rank      : " + name +
         " (local_rank: " + name + ")\n  exitcode  : " + std::to_string(code) + " (pid: 2" + name + ")\n";
}

// All fail within the second, so that the launcher does not know who was first.
TEST(Judge, BlamesTheRankWhoseRowOfTheTableHasACodeOfItsOwn) {
  Verdict verdict = JudgeLog(Steps(1, 9) + "Failures:\n" + RowOfTable(1, 7) + RowOfTable(2, 1) +
                             "Root Cause (first observed failure):\n" + RowOfTable(0, 1));
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 1);
}

TEST(Judge, TakesTheRowThatTheLauncherSawFirstOfThoseThatEndAlike) {
  const std::string rest = Steps(1, 9) + "Failures:\n" + RowOfTable(1, -6) + RowOfTable(2, -6);
  EXPECT_EQ(JudgeLog(rest + "Root Cause (first observed failure):\n" + RowOfTable(0, -6)).root_line,
            "  exitcode  : -6 (pid: 20)");
  EXPECT_EQ(JudgeLog(rest + "Root Cause (first observed failure):\n" + RowOfTable(0, 1)).root_line,
            "  exitcode  : -6 (pid: 21)");
}

TEST(Judge, BlamesTheTaskThatFluxSawFail) {
  const std::string said = "12.1s: flux-shell[1]: FATAL: doom: task rank 5 on host gpu12 ";
  const std::string end = "flux-job: task(s) exited with exit code 1\n";
  for (const char* doom : {"failed and exit-on-error is set\n", "exited and exit-timeout=30s has expired\n"})
    EXPECT_EQ(JudgeLog(Steps(1, 4) + said + doom + end).culprits, std::vector<int32_t>{5}) << doom;
  EXPECT_TRUE(JudgeLog(Steps(1, 4) + end).culprits.empty());
}

TEST(Judge, TakesTheKillsOfSkyPilotsCleanUpForNoCause) {
  const std::string list = "ERROR: Job 3 failed with return code list: ";
  auto failed = [&](const std::string& said) { return JudgeLog(Steps(1, 4) + said + "\n").failure; };
  EXPECT_EQ(failed(list + "[137, 1] (A Worker failed with return code 1, SkyPilot cleaned up the processes on other "
                          "nodes with return code 137)"),
            "python_exception_one_rank");
  EXPECT_EQ(failed(list + "[139, 137] (A Worker failed with return code 139, SkyPilot cleaned up the processes on "
                          "other nodes with return code 137)"),
            "segfault_sigsegv");
  for (const char* killed : {"train.py exits with return code = -9", "return code 137", "the pod has return code 137",
                             "the command failed with return code 137"})
    EXPECT_EQ(failed(killed), "host_oom_killed") << killed;
}

TEST(Judge, TakesTheExceptionOfOldSpawnForItsLaunchers) {
  const std::string spawn =
      "Traceback (most recent call last):\n  File "
      "\"/venv/lib/python3.7/site-packages/torch/multiprocessing/spawn.py\", "
      "line 118, in join\n    raise Exception(msg)\nException: \n\n-- Process 1 terminated with the following error:\n";
  const std::string cut =
      "Traceback (most recent call last):\n  File \"/app/train.py\", line 7, in worker\n    for rows in loader:\n";
  const Verdict verdict = JudgeLog(spawn + cut);
  EXPECT_EQ(verdict.root_line, "    for rows in loader:");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{1});
  EXPECT_EQ(
      JudgeLog("Traceback (most recent call last):\n  File \"/app/a.py\", line 7, in worker\n    raise Exception(x)"
               "\nException: \n")
          .root_line,
      "Exception: ");
}

TEST(Judge, TakesWhatAnEngineRaisesWhileItBuildsTheModelForNoCheckpoints) {
  auto raised = [](const std::string& frame) {
    return JudgeLog(
               "(VllmWorker rank=3 pid=71) Traceback (most recent call last):\n(VllmWorker rank=3 pid=71)   File "
               "\"/venv/vllm/v1/worker/gpu_worker.py\", line 9, in load_model\n(VllmWorker rank=3 pid=71)     "
               "self.runner.load_model()\n(VllmWorker rank=3 pid=71)   File \"/venv/vllm/" +
               frame)
        .failure;
  };
  EXPECT_EQ(raised("v1/worker/gpu_model_runner.py\", line 11, in load_model\n(VllmWorker rank=3 pid=71)     build()\n"),
            "python_exception_one_rank");
  EXPECT_EQ(raised("model_loader/weight_utils.py\", line 3, in weights\n(VllmWorker rank=3 pid=71)     read()\n"),
            "checkpoint_load_failed");
}

TEST(Judge, TakesTheStackOfAnErrorInCppForNoDump) {
  const Verdict verdict = JudgeLog(
      "(RayWorker pid=53) [E ProcessGroupNCCL.cpp:916] [Rank 3] NCCL watchdog thread terminated with exception: CUDA "
      "error: unknown error\n(RayWorker pid=53) Exception raised from c10_cuda_check_implementation at "
      "../c10/cuda/CUDAException.cpp:44 (most recent call first):\n(RayWorker pid=53) frame #0: c10::Error::Error() + "
      "0x57 (0x7f in libc10.so)\n");
  EXPECT_EQ(verdict.failure, "cuda_illegal_memory_access");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
}

}  // namespace
}  // namespace rankscope::diagnose
