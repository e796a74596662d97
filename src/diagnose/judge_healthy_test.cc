#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// What healthy runs print between their steps, in words that a failure has, too.
const char* const kFrightening[] = {
    "WARNING:root:NaN or Inf found in input tensor.",
    "wandb: WARNING Retry attempt failed. Retrying... HTTPSConnectionPool(host='api.wandb.ai', port=443): Max retries "
    "exceeded with url: /graphql",
    "huggingface_hub.utils._http: 502 Server Error: Bad Gateway, retrying in 2s [Retry 1/5].",
    "{'eval_loss': 1.2, 'eval_word_error_rate': 0.231, 'eval_mismatch_rate': 0.02, 'eval_nan_ratio': 0.0}",
    "sample 3: The villain was killed by a segmentation fault in the story.",
    "generated: 'RuntimeError: CUDA out of memory' is a common error in PyTorch.",
    "[W socket.cpp:663] [c10d] The client socket has failed to connect to [localhost]:29500 (errno: 99 - Cannot assign "
    "requested address).",
    "[INFO] [loss_scaler.py:190:update_scale] [deepspeed] OVERFLOW! Rank 0 Skipping step. Attempted loss scale: 65536, "
    "reducing to 32768",
    "WARNING: Checkpoint shard upload failed (timeout), retrying (1/3)",
    "/venv/torch/utils/checkpoint.py:464: UserWarning: the use_reentrant parameter should be passed explicitly. In "
    "version 2.4 we will raise an exception if use_reentrant is not passed.",
    " [WARNING]  async_io requires the dev libaio .so object and headers but these were not found.",
    "Token indices sequence length is longer than the specified maximum sequence length for this model (5120 > 4096). "
    "Running this sequence through the model will result in indexing errors",
    "skipping corrupted image /data/12.jpg: cannot identify image file",
    "Flash attention is not available, falling back to eager attention: No module named 'flash_attn'",
    "INFO: nvidia-smi: ECC errors: 0, retired pages: 0, Xid: none",
    "signal handlers installed: SIGTERM SIGUSR1 will trigger a checkpoint",
    "killed 2 stale background jobs before start; old run was aborted by user yesterday",
    "[Trainer] resuming after crash yesterday: job 811 died with CUDA out of memory, now micro batch 2",
    "preempted=0 timeouts=0 failed_requests=0 nan_steps=0 oom_events=0 ecc_errors=0",
    "ConnectionResetError while prefetching shard 12; retrying (2/5)",
    "sandbox result: Traceback (most recent call last): NameError: name 'x' is not defined -> reward 0.0",
    "INFO: SIGTERM handler registered; autoresume enabled, heartbeat ok, no hang detected",
    "WARNING: found inf in gradient at step 80, skipping this update",
    "INFO: dropped 12 samples longer than max length 4096 (sequence exceeds limit)",
    "EarlyStopping: monitored metric eval_loss did not improve in the last 3 records. Signaling Trainer to stop.",
    "DeepSpeed: [WARNING] [stage3.py:2069:step] 2 pytorch allocator cache flushes since last step. this happens when "
    "there is high memory pressure and is detrimental to performance.",
    "rm: cannot remove '/tmp/lock.4411': No such file or directory",
    "squeue: job 881 may be preempted by a higher partition, requeue is on",
    "resumed from /ckpt/step_400 after the node was preempted",
    "health: GPU 5 temperature 79C, within limits (throttles at 88C)",
    "index, temperature.gpu, power.draw [W], clocks_throttle_reasons.hw_thermal_slowdown",
    R"({"stream":"gpu","gpu_index":2,"power_w":388,"throttle_reasons":"","temperature_c":61})",
    "Traceback (most recent call last):\n  File \"/app/grade.py\", line 12, in grade\n    exec(code, scope)\n"
    "IndexError: list index out of range\n[grader] execution failed, reward = 0.0",
    "W tensorflow/stream_executor/platform/default/dso_loader.cc:64] Could not load dynamic library 'libnvinfer.so.7'; "
    "dlerror: libnvinfer.so.7: cannot open shared object file: No such file or directory",
    "W bfc_allocator.cc:245] Allocator (GPU_0_bfc) ran out of memory trying to allocate 1.1GiB. The caller indicates "
    "that "
    "this is not a failure",
    "Could not load symbol cublasGetSmCountTarget from libcublas.so.11. Error: undefined symbol: "
    "cublasGetSmCountTarget",
    "Anomalies were detected that may lead to NaN losses, so that mixed precision is off",
    "OOM: CUDA out of memory. Tried to allocate 2.0 GiB; attempting to recover in the next batch",
    "WARNING:root:Some parameters are on the meta device because they were offloaded to the cpu.",
    "NCCL_TIMEOUT=1800",
    "=> no checkpoint found at 'out/last.pth'",
    "No checkpoint found, training starts from scratch",
    "Import error: No module named 'fast_norm'; using torch's",
    "setup.sh: line 3: nvidia-smi: command not found",
    "SW Thermal Slowdown               : Not Active",
    "gpu4:19:88 [0] NCCL INFO [Service thread] Connection closed by localRank 1",
    "tcsetattr: Input/output error",
};

// So many of the last of them stay harmless where nothing follows.
constexpr size_t kHarmlessAtTheEnd = 14;

TEST(Judge, CallsARunHealthyThatPrintsFrighteningWordsBetweenItsSteps) {
  for (const char* words : kFrightening) {
    Verdict verdict = JudgeLog(Steps(1, 8) + words + "\n" + Steps(9, 16) + "{'train_runtime': 812.1, 'epoch': 1.0}\n");
    EXPECT_TRUE(verdict.healthy) << words << "\n  " << verdict.failure << ": " << verdict.root_line;
  }
}

TEST(Judge, CallsALogHealthyThatEndsWithWordsOfThisKind) {
  const size_t tested = std::size(kFrightening);
  for (size_t i = tested - kHarmlessAtTheEnd; i < tested; ++i) {
    for (const std::string& before : {Steps(1, 8), std::string("INFO: building the model\n")}) {
      Verdict verdict = JudgeLog(before + kFrightening[i] + "\n");
      EXPECT_TRUE(verdict.healthy) << kFrightening[i] << "\n  " << verdict.failure << ": " << verdict.root_line;
    }
  }
}

// Of trainers whose lines no reader of metrics knows.
TEST(Judge, CallsARunHealthyWhoseLossStandsInLinesOfAnUnknownForm) {
  for (const char* form :
       {"epoch: %d step: 10, loss is 2.4%d12\n", "[step=%d/5560]\n    train/CrossEntropyLoss=2.4%d\n",
        "[batch=%d/480]:\n\t Train loss/train/total: 2.4%d\n"}) {
    std::string log;
    for (int step = 1; step <= 6; ++step) {
      char lines[120];
      std::snprintf(lines, sizeof lines, form, step, step);
      if (step == 4) log += "FileNotFoundError handled: stats.json is missing\n";
      log += lines;
    }
    EXPECT_TRUE(JudgeLog(log).healthy) << log;
  }
}

TEST(Judge, CallsARunHealthyThatWentOn) {
  Verdict verdict =
      JudgeLog(Steps(1, 5) + Traceback("/app/upload.py", "ConnectionError: wandb did not answer") + Steps(6, 12) +
               "[W socket.cpp:426] [c10d] The server socket cannot be initialized on [::]:29500 (errno: 97 - Address "
               "family not supported by protocol).\n");
  EXPECT_TRUE(verdict.healthy) << verdict.failure << " " << verdict.root_line;
}

// Each between steps of a healthy run, and before its last one.
TEST(Judge, CallsARunHealthyWhateverSoundsIllInIt) {
  const char* const kLines[] = {
      "W tensorflow/dso_loader.cc:64] Could not load dynamic library 'libcudart.so.11.0'; dlerror: libcudart.so.11.0: "
      "cannot open shared object file: No such file or directory",
      "[W socket.cpp:663] [c10d] The client socket has failed to connect to [localhost]:29500 (errno: 99 - Cannot "
      "assign requested address).",
      "collect2: error: ld returned 1 exit status",
      "skipping batch 231: loss is nan, skipping update (1 of 10 allowed)",
      "generated: \"RuntimeError: CUDA out of memory. Tried to allocate 2 GiB\" reward=0.1",
      "sample 3 | Traceback (most recent call last): KeyError: 'x' | reward 0.7",
      "The 'train_dataloader' does not have many workers which may be a bottleneck.",
      "rm: cannot remove '/tmp/x': Permission denied",
      "Killed 2 stale processes from the previous run",
      "Saving checkpoint failed on attempt 1 (OSError: [Errno 5] Input/output error), retrying... ok",
      "ECC errors corrected: 0 uncorrectable: 0; Xid: none",
      "[heartbeat] slowest rank 12 at 1.03x of the median",
  };
  for (const char* line : kLines) {
    Verdict verdict = JudgeLog(Steps(1, 6) + line + "\n" + Steps(7, 7));
    EXPECT_TRUE(verdict.healthy) << verdict.failure << " " << verdict.root_line;
  }
}

TEST(Judge, CallsARunHealthyThatSkippedABadSample) {
  Verdict verdict =
      JudgeLog(Steps(1, 5) + Traceback("/venv/PIL/Image.py", "PIL.UnidentifiedImageError: cannot identify image file") +
               "skipping bad sample /data/a/1.jpg\n" + Steps(6, 6));
  EXPECT_TRUE(verdict.healthy) << verdict.failure << " " << verdict.root_line;
}

TEST(Judge, CallsARunHealthyWhoseLossCameBackFromASpike) {
  std::string spike = "WARNING: loss spike detected at step 6\n";
  EXPECT_TRUE(JudgeLog(Steps(1, 6) + spike + Steps(7, 12)).healthy);
  EXPECT_EQ(JudgeLog(Steps(1, 6) + spike).failure, "loss_spike_or_divergence");
}

TEST(Judge, CallsARunHealthyThatIsLoggedInToItsTracker) {
  Verdict verdict = JudgeLog(
      "wandb: Currently logged in as: someone (team). Use `wandb login --relogin` to force relogin\n" + Steps(1, 1));
  EXPECT_TRUE(verdict.healthy) << verdict.failure << " " << verdict.root_line;
}

TEST(Judge, CallsARunHealthyWhoseOptionalKernelsAreAbsent) {
  Verdict verdict =
      JudgeLog("A matching Triton is not available, some optimizations will not be enabled\n" +
               Traceback("/venv/xformers/__init__.py", "ModuleNotFoundError: No module named 'triton'") + Steps(1, 1));
  EXPECT_TRUE(verdict.healthy) << verdict.failure << " " << verdict.root_line;
}

TEST(Judge, CallsARunHealthyWhoseQueueFeederLostItsPipe) {
  Verdict verdict = JudgeLog(
      Steps(1, 5) +
      "Traceback (most recent call last):\n  File \"/usr/lib/python3.8/multiprocessing/queues.py\", line 245, in "
      "_feed\n    send_bytes(obj)\nBrokenPipeError: [Errno 32] Broken pipe\n" +
      Steps(6, 6));
  EXPECT_TRUE(verdict.healthy) << verdict.failure << " " << verdict.root_line;
}

TEST(Judge, TellsABatchThatAQueueFeederCouldNotPackWhereNothingFollows) {
  const std::string lost =
      "Traceback (most recent call last):\n  File \"/usr/lib/python3.9/multiprocessing/queues.py\", line 245, in "
      "_feed\n"
      "    obj = _ForkingPickler.dumps(obj)\n  File \"/usr/lib/python3.9/multiprocessing/reduction.py\", line 51, in "
      "dumps\n    cls(buf, protocol).dump(obj)\nRuntimeError: unable to write to file </torch_77_4242>\n";
  EXPECT_EQ(JudgeLog("epoch 12 begins\n" + lost).failure, "shared_memory_exhausted");
  EXPECT_TRUE(JudgeLog(Steps(1, 5) + lost + Steps(6, 12)).healthy);
}

TEST(Judge, CallsARunHealthyWhoseFinalizersCannotTidyUp) {
  std::string busy =
      "Traceback (most recent call last):\n  File \"/usr/lib/python3.10/multiprocessing/util.py\", line 300, in "
      "_run_finalizers\n    finalizer()\n  File \"/usr/lib/python3.10/shutil.py\", line 718, in rmtree\n    "
      "_rmtree_safe_fd(fd, path, onerror)\nOSError: [Errno 16] Device or resource busy: '.nfs0000000000a1b2c3'\n";
  EXPECT_TRUE(JudgeLog(Steps(1, 4) + busy + Steps(5, 5)).healthy);
  EXPECT_TRUE(JudgeLog(Steps(1, 4) + busy).healthy);
}

TEST(Judge, CallsAFinishedRunHealthyWhateverItsTeardownPrints) {
  Verdict verdict = JudgeLog(Steps(1, 12) + "{'train_runtime': 92.1, 'train_loss': 2.1}\n" +
                             "Exception ignored in: <function _releaseLock at 0x7f>\n" +
                             Traceback("/usr/lib/python3.10/logging/__init__.py", "KeyError: 'gone'"));
  EXPECT_TRUE(verdict.healthy) << verdict.failure << " " << verdict.root_line;
}

TEST(Judge, CallsARunHealthyWhoseHelpersExitWithACode) {
  Verdict verdict = JudgeLog(
      "subprocess.CalledProcessError: Command '['git', 'rev-parse', 'HEAD']' returned non-zero exit status 128.\n" +
      Steps(1, 9) + "sandbox: program exited with code 1, reward 0\n" + Steps(10, 14));
  EXPECT_TRUE(verdict.healthy) << verdict.failure << " " << verdict.root_line;
}

TEST(Judge, TakesCountersOfNoughtForNoTrouble) {
  for (const std::string line : {"HcclCommInit success, Hccl retry count 0, fail count 0", "eth0 retransmits: 0",
                                 "packet loss 0%, packet drops: 0", "out_of_sequence=0 rx_discards=0"}) {
    EXPECT_TRUE(JudgeLog(Steps(1, 9) + line + "\n" + Steps(10, 19)).healthy) << line;
  }
  EXPECT_EQ(JudgeLog(Steps(1, 9) + "retry count 7, fail count 2\n" + Steps(10, 19)).failure, "network_degraded");
}

}  // namespace
}  // namespace rankscope::diagnose
