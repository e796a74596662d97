#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// What frameworks raise, by the class that it belongs to.
struct Raised {
  const char* failure;
  const char* place;
  const char* text;
};

const Raised kRaised[] = {
    {"nan_or_inf_loss", "/venv/composer/callbacks/nan_monitor.py", "RuntimeError: Train loss contains a NaN."},
    {"config_error", "/app/pl.py",
     "lightning.MisconfigurationException: the key `b` should not contain information about `dataloader_idx`"},
    {"tensor_shape_mismatch", "/venv/colossalai/zero/low_level_optim.py",
     "AssertionError: fp32 param and grad have different shape torch.Size([512]) vs torch.Size([64])"},
    {"tensor_shape_mismatch", "/app/model.py", "ValueError: log_prob shape (4, 8) does not match mask shape (4, 7)."},
    {"dtype_device_mismatch", "/app/kernel.py", "RuntimeError: Batch-invariant GEMM requires CUDA tensors."},
    {"dtype_device_mismatch", "/app/fsdp.py", "AssertionError: FSDP expects uniform original parameter dtype"},
    {"checkpoint_load_failed", "/app/state.py", "AssertionError: checkpoint count 4 is different from saved size 8"},
    {"checkpoint_load_failed", "/app/plan.py", "RuntimeError: Missing key in checkpoint state_dict: model.wte."},
    {"checkpoint_load_failed", "/app/big.py",
     "ValueError: Trying to set a tensor of shape torch.Size([0]) in \"weight\" (which has shape torch.Size([9]))."},
    {"checkpoint_save_failed", "/app/dcp.py", "RuntimeError: Checkpoint background process is dead. Exit code: 1"},
    {"checkpoint_save_failed", "/venv/mmcv/runner/hooks/checkpoint.py", "RuntimeError: bad state"},
    {"rendezvous_failed", "/app/join.py", "TimeoutError: timed out waiting for all 4 members to join"},
    {"config_error", "/app/rank.py", "ValueError: local_rank 5 exceeds available GPUs in CUDA_VISIBLE_DEVICES=4"},
    {"config_error", "/app/elastic.py",
     "ElasticityIncompatibleWorldSize: World size (6) is not valid with the current list of valid GPU counts: [4, 8]"},
    {"config_error", "/app/env.py", "ValueError: Environment variable `JSM_NAMESPACE_RANK` not found."},
    {"driver_or_library_mismatch", "/app/x.py", "RuntimeError: PyTorch was compiled without CUDA support"},
    {"triton_or_kernel_compile_error", "/app/k.py",
     "RuntimeError: Requested shared memory (99000 bytes) exceeds device limit (98304 bytes)."},
    {"triton_or_kernel_compile_error", "/app/jit.py", "RuntimeError: NVCC compilation failed: identifier is undefined"},
    {"driver_or_library_mismatch", "/app/fa.py", "RuntimeError: FlashAttention only supports Ampere GPUs or newer."},
    {"checkpoint_load_failed", "/app/dist.py",
     "CheckpointingException: Global shape mismatch for loaded (torch.Size([512, 8])) and expected ((640, 8)) tensor"},
    {"nan_or_inf_loss", "/app/bucket.py", "AssertionError: Rank 2: found Inf in local grad norm for bucket #0"},
    {"dataloader_worker_killed", "/app/feed.py", "RuntimeError: DataLoader timed out after 90 seconds"},
    {"data_error", "/app/indexed_dataset.py", "AssertionError: bad version, cannot read: 7"},
    // Shapes, checked by those who take them.
    {"tensor_shape_mismatch", "/app/attn.py", "AssertionError: k_scale has shape (4, 8), expected (4, 16)"},
    {"tensor_shape_mismatch", "/app/attn.py", "ValueError: Unexpected latents shape (2, 4, 8)"},
    {"tensor_shape_mismatch", "/app/attn.py", "AssertionError: torch.Size([4, 8]) != torch.Size([4, 9])"},
    {"tensor_shape_mismatch", "/app/attn.py", "RuntimeError: indices must be rank-3, got 2"},
    {"tensor_shape_mismatch", "/app/attn.py", "ValueError: Expected a 4-dimensional mask"},
    {"tensor_shape_mismatch", "/app/attn.py", "ValueError: only 3D tensors are taken"},
    {"tensor_shape_mismatch", "/app/attn.py", "AssertionError: bias has 2 dimensions, got 3"},
    {"tensor_shape_mismatch", "/app/attn.py", "RuntimeError: First dim varies across the group"},
    {"tensor_shape_mismatch", "/app/attn.py", "ValueError: cos and sin need the same last dim"},
    {"dtype_device_mismatch", "/app/gemm.py", "AssertionError: a.dtype is torch.int8, expected torch.float8_e4m3fn"},
    {"dtype_device_mismatch", "/app/gemm.py", "TypeError: Type must match: torch.half != torch.float"},
    {"dtype_device_mismatch", "/app/gemm.py", "ValueError: Unsupported params dtype fp4"},
    {"dtype_device_mismatch", "/app/gemm.py", "AssertionError: page_table must be int32"},
    {"dtype_device_mismatch", "/app/gemm.py", "RuntimeError: the decode kernel requires CUDA/HIP tensors"},
    {"dtype_device_mismatch", "/app/gemm.py", "ValueError: tensor device cuda:1 does not match cuda:0"},
    {"dtype_device_mismatch", "/app/gemm.py", "AssertionError: expected the bias on cpu but found cuda:0"},
    {"tensor_shape_mismatch", "/app/pool.py",
     "RuntimeError: Non-empty 3D data tensor expected but got a tensor with sizes [4]"},
    {"tensor_shape_mismatch", "/app/pool.py", "RuntimeError: pooling supports tensors with 4 dims"},
    {"tensor_shape_mismatch", "/app/pool.py", "RuntimeError: kwargs size mismatch (consumed 3)"},
    {"tensor_shape_mismatch", "/app/pool.py", "RuntimeError: First input does not have rank 2"},
    {"tensor_shape_mismatch", "/app/pool.py", "RuntimeError: It is expected output_size equals to 3, but got size 2"},
    {"dtype_device_mismatch", "/app/pool.py", "RuntimeError: Unexpected scalar type for the scale"},
    {"dtype_device_mismatch", "/app/pool.py", "TypeError: RNG state must be a torch.ByteTensor"},
    {"dtype_device_mismatch", "/app/pool.py", "RuntimeError: rfftn expects a real-valued input tensor"},
    {"dtype_device_mismatch", "/app/pool.py", "RuntimeError: Values and indices need to have the same device."},
    {"dtype_device_mismatch", "/app/pool.py", "RuntimeError: add: expected 'other' to be CUDA tensor"},
    {"dtype_device_mismatch", "/app/pool.py", "RuntimeError: All tensors must be on devices[0]: 0"},
    // Arguments.
    {"config_error", "/app/args.py", "RuntimeError: --kv-dtype fp8 needs a page size of 1"},
    {"config_error", "/app/args.py", "AssertionError: sidecar and offload: use --sidecar alone"},
    {"config_error", "/venv/lib/python3.11/site-packages/optlib/opt.py", "ValueError: Unknown schedule 'zigzag'"},
    {"config_error", "/venv/lib/python3.11/site-packages/optlib/opt.py",
     "NotImplementedError: fused=True does not yet support two groups"},
    // Checkpoints that lack something.
    {"checkpoint_load_failed", "/app/restore.py", "ValueError: Missing shards of the checkpoint: 3, 4"},
    {"checkpoint_load_failed", "/app/restore.py", "RuntimeError: the checkpoint has no entry for lm_head"},
    {"checkpoint_load_failed", "/app/restore.py", "KeyError: 'gate.weight not found in state dict'"},
    {"checkpoint_load_failed", "/app/restore.py", "RuntimeError: Some weights are missing: [gate]"},
    {"checkpoint_load_failed", "/app/restore.py", "ValueError: The adapter weights a.bin have missing keys: [gate]"},
    {"hub_auth_or_download_error", "/app/fetch.py", "ValueError: Downloading vocab.txt failed: end of file"},
    {"hub_auth_or_download_error", "/app/fetch.py", "OSError: acme/m7 is a gated repository"},
    {"hub_auth_or_download_error", "/app/fetch.py", "OSError: v9 is not a valid git identifier"},
    {"sequence_too_long", "/app/gen.py", "ValueError: Prompt length (4100) leaves no room to generate"},
    {"sequence_too_long", "/app/gen.py", "AssertionError: max length in batch exceeds 4096"},
    {"data_error", "/app/mix.py", "ValueError: Error loading audio: a.wav"},
    {"data_error", "/app/mix.py", "ValueError: the training dataset is empty"},
    {"data_error", "/app/mix.py", "AssertionError: Found a turn of 'bot', available roles are user and system"},
    {"dataloader_worker_killed", "/app/mix.py", "RuntimeError: a prefetch worker 3 has died"},
    {"dataloader_worker_killed", "/app/mix.py", "TimeoutError: Data loading worker timed out!"},
    {"shared_memory_exhausted", "/app/mix.py", "RuntimeError: Insufficient shared memory, 9 GB required"},
    {"nan_or_inf_loss", "/app/watch.py", "RuntimeError: Encountered `nan` values in the state"},
    {"nan_or_inf_loss", "/app/watch.py", "RuntimeError: the output of layer 3 is empty or non-finite"},
    {"driver_or_library_mismatch", "/app/arch.py", "RuntimeError: MXFP4 requires SM100 GPUs"},
    {"driver_or_library_mismatch", "/app/arch.py", "NotImplementedError: the FP4 path needs a Blackwell GPU"},
    {"driver_or_library_mismatch", "/app/arch.py", "ImportError: too old, please update your cuda driver"},
    {"driver_or_library_mismatch", "/app/arch.py", "RuntimeError: CUDA error: CUDA driver is a stub library"},
    {"driver_or_library_mismatch", "/app/arch.py", "RuntimeError: torch.cuda.is_available() is False, no GPU to use"},
    {"missing_dependency_import_error", "/app/deps.py", "RuntimeError: vLLM 0.4 lacks LoRA. Please upgrade vLLM."},
    {"missing_dependency_import_error", "/app/deps.py",
     "RuntimeError: NIXL >= 0.5 is needed, but nixl==0.3 is installed"},
    {"missing_dependency_import_error", "/app/deps.py", "AssertionError: TE version >= 2.10 is required for that"},
    {"missing_dependency_import_error", "/app/deps.py", "ValueError: Failed to import the sampler"},
    {"permission_denied", "/app/own.py", "RuntimeError: the counters want elevated privileges"},
    {"rendezvous_failed", "/app/join.py", "TimeoutError: Timed out while waiting for nodes to join"},
    {"rendezvous_failed", "/app/join.py", "ValueError: Cannot resolve host gpu03"},
    {"rendezvous_failed", "/app/join.py", "RuntimeError: could not connect to some hosts via ssh"},
    {"collective_mismatch_hang", "/app/agree.py", "AssertionError: row counts differ across ranks: [4, 4, 3]"},
    {"collective_mismatch_hang", "/app/agree.py", "AssertionError: loss log variables are different across GPUs! 3"},
    {"triton_or_kernel_compile_error", "/venv/lib/python3.11/site-packages/torch/_inductor/lowering.py",
     "AssertionError: expected x.dtype is not None"},
    {"config_error", "/venv/lib/python3.11/site-packages/optlib/opt.py", "ValueError: a group cannot hold itself"},
    {"python_exception_one_rank", "/venv/lib/python3.11/site-packages/optlib/opt.py",
     "ValueError: cannot convert float NaN to integer"},
    {"python_exception_one_rank", "/venv/lib/python3.11/site-packages/optlib/opt.py",
     "ValueError: invalid literal for int() with base 10: 'x'"},
    {"python_exception_one_rank", "/app/conf.py",
     "dataclasses.FrozenInstanceError: Field 'lr' is frozen and stays as it is"},
    // A table of positions that is too short, not one of words.
    {"sequence_too_long", "/app/pos_emb.py",
     "RuntimeError: index out of range: Tried to access index 256 out of table with 255 rows."},
    {"python_exception_one_rank", "/app/word_emb.py",
     "RuntimeError: index out of range: Tried to access index 256 out of table with 255 rows."},
    // What torch.save meets while it writes, and what a reader does.
    {"checkpoint_save_failed", "/app/keep.py", "RuntimeError: write(): fd 11 failed with Input/output error"},
    {"filesystem_stale_or_io_error", "/app/keep.py", "RuntimeError: read(): fd 11 failed with Input/output error"},
    // A file of a checkpoint that cannot be written, and one of a cache.
    {"checkpoint_save_failed", "/app/keep.py",
     "OSError: [Errno 28] No space left on device: '/store/run4/checkpoint-90/scheduler.pt'"},
    {"disk_full", "/app/keep.py", "OSError: [Errno 28] No space left on device: '/store/checkpoint_lists/ids.arrow'"},
    {"disk_full", "/app/keep.py", "OSError: [Errno 28] No space left on device: '/store/hub/m7/weights.bin'"},
    {"filesystem_stale_or_io_error", "/app/pull.py",
     "botocore.exceptions.ClientError: An error occurred (SlowDown) when calling the UploadPart operation: slower"},
    {"permission_denied", "/app/pull.py",
     "botocore.exceptions.ClientError: An error occurred (ExpiredToken) when calling the GetObject operation: old"},
    {"python_exception_one_rank", "/app/pull.py",
     "botocore.exceptions.ClientError: An error occurred (NoSuchKey) when calling the GetObject operation: none"},
    {"gloo_error", "/app/mesh.py",
     "RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:152] Connect timeout [10.1.0.4]:40112"},
    {"python_exception_one_rank", "/app/mla.py", "ValueError: Unsupported linear_q_down_proj: column"},
    {"python_exception_one_rank", "/app/refill.py", "ValueError: filtering needs refill_fn to replace evicted groups"},
};

TEST(Judge, KnowsWhatFrameworksRaiseByItsClass) {
  for (const Raised& raised : kRaised) {
    Verdict verdict = JudgeLog(Traceback(raised.place, raised.text));
    EXPECT_EQ(verdict.failure, raised.failure) << raised.text << "\n  root: " << verdict.root_line;
  }
}

// Loggers' warnings of what ends a program as an exception only: whoever wrote them went on.
const char* const kWarned[] = {
    "2026-02-03 10:00:00,101 - lora.adapter - WARNING - q_proj has shape (4, 8), expected (4, 16), left as it is",
    "2026-02-03 10:00:00,101 - moe.router - WARNING - the dispatcher only supports float32 probs",
    "2026-02-03 10:00:00,101 - args - WARNING - --kv-dtype fp8 needs a page size of 1",
    "2026-02-03 10:00:00,101 - tracker - WARNING - A ConfigError was raised by the tracker",
    "2026-02-03 10:00:00,101 - restore - WARNING - The keys [gate] are not found in checkpoint path: /ckpt/4",
    "2026-02-03 10:00:00,101 - chat - WARNING - Prompt 3 has 4100 tokens, exceeds max_length=4096",
    "2026-02-03 10:00:00,101 - report - WARNING - two plugins came with ImportError",
    "2026-02-03 10:00:00,101 - jit - WARNING - scan: the JIT build failed",
};

TEST(Judge, TakesAWarningOfWhatOnlyAnExceptionEndsForNoFailure) {
  for (const char* line : kWarned) {
    Verdict verdict = JudgeLog(Steps(1, 4) + line + "\n");
    EXPECT_TRUE(verdict.healthy) << line << "\n  " << verdict.failure;
  }
}

}  // namespace
}  // namespace rankscope::diagnose
