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
    "Traceback (most recent call last):\n  File \"/app/grade.py\", line 12, in grade\n    exec(code, scope)\n"
    "IndexError: list index out of range\n[grader] execution failed, reward = 0.0",
};

TEST(Judge, CallsARunHealthyThatPrintsFrighteningWordsBetweenItsSteps) {
  for (const char* words : kFrightening) {
    Verdict verdict = JudgeLog(Steps(1, 8) + words + "\n" + Steps(9, 16) + "{'train_runtime': 812.1, 'epoch': 1.0}\n");
    EXPECT_TRUE(verdict.healthy) << words << "\n  " << verdict.failure << ": " << verdict.root_line;
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

}  // namespace
}  // namespace rankscope::diagnose
