#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

struct Wording {
  const char* failure;
  const char* place;  // file of the innermost frame; empty: the text is no exception
  const char* text;
};

// One or two wordings of each class, in the words of the program that prints them.
const Wording kWordings[] = {
    {"cuda_oom", "/app/model.py",
     "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB "
     "of which 1.20 GiB is free."},
    {"cuda_oom", "/app/model.py",
     "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"},
    {"host_oom_killed", "",
     "[81022.1] Memory cgroup out of memory: Killed process 4711 (python) total-vm:99201020kB, anon-rss:64010200kB"},
    {"host_oom_killed", "/app/data.py",
     "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 42.1 GiB for an array with shape (75000, 75000) and "
     "data type float64"},
    {"nccl_system_error", "/app/dist.py",
     "torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:1333, unhandled system error (run with "
     "NCCL_DEBUG=INFO for details), NCCL version 2.20.5\nncclSystemError: System call (e.g. socket, malloc) or "
     "external library call failed or device error."},
    {"nccl_cuda_error", "",
     "gpu7:401:488 [1] transport/p2p.cc:275 NCCL WARN failed to open CUDA IPC handle : 217 peer access is not "
     "supported "
     "between these two devices"},
    {"nccl_system_error", "", "Failed to modify QP to RTS: Connection timed out"},
    {"segfault_sigsegv", "", "srun: error: gpu17: task 12: Bus error"},
    {"rendezvous_failed", "/venv/site-packages/torch/distributed/rendezvous.py",
     "RuntimeError: Connection reset by peer"},
    {"python_exception_one_rank", "",
     "2026-02-01 10:11:12,000 WARNING worker.py:1829 -- A worker died or was killed while executing a task by an "
     "unexpected system error. To troubleshoot the problem, check the logs for the dead worker."},
    {"nccl_cuda_error", "/app/dist.py",
     "torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:1333, unhandled cuda error (run with "
     "NCCL_DEBUG=INFO for details), NCCL version 2.20.5"},
    {"collective_mismatch_hang", "/app/dist.py",
     "RuntimeError: [3]: params[0] in this process with sizes [512, 64] appears not to match sizes of the same param "
     "in process 0."},
    {"gpu_hardware_xid_ecc", "",
     "[90001.7] NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."},
    {"gpu_hardware_xid_ecc", "/app/model.py", "RuntimeError: CUDA error: uncorrectable ECC error encountered"},
    {"cuda_illegal_memory_access", "/app/model.py",
     "RuntimeError: CUDA error: an illegal memory access was encountered"},
    {"device_side_assert", "",
     "../aten/src/ATen/native/cuda/Loss.cu:250: nll_loss_forward_reduce_cuda_kernel_2d: block: [0,0,0], thread: "
     "[5,0,0] Assertion `t >= 0 && t < n_classes` failed."},
    {"cublas_cudnn_error", "/app/model.py", "RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"},
    {"dataloader_worker_killed", "/app/train.py",
     "RuntimeError: DataLoader worker (pid 812) exited unexpectedly with exit code 1. Details are lost due to "
     "multiprocessing."},
    {"dataloader_worker_killed", "", "ERROR: Unexpected segmentation fault encountered in worker.\n"},
    {"shared_memory_exhausted", "/app/train.py",
     "RuntimeError: DataLoader worker (pid 812) is killed by signal: Bus error. It is possible that dataloader's "
     "workers are out of shared memory."},
    {"shared_memory_exhausted", "/usr/lib/python3.10/multiprocessing/synchronize.py",
     "OSError: [Errno 28] No space left on device"},
    {"too_many_open_files", "/app/data.py", "RuntimeError: received 0 items of ancdata"},
    {"data_error", "/venv/site-packages/torch/utils/data/_utils/fetch.py", "KeyError: 'caption'"},
    {"config_error", "/venv/site-packages/torch/cuda/__init__.py",
     "RuntimeError: Caught RuntimeError in DataLoader worker process 0.\nRuntimeError: Cannot re-initialize CUDA in "
     "forked subprocess. To use CUDA with multiprocessing, you must use the 'spawn' start method"},
    {"data_error", "/venv/site-packages/PIL/Image.py",
     "PIL.UnidentifiedImageError: cannot identify image file <_io.BytesIO object at 0x7f>"},
    {"sequence_too_long", "/app/model.py",
     "ValueError: Sequence length 9000 exceeds the maximum sequence length of 8192"},
    {"checkpoint_save_failed", "/venv/site-packages/torch/serialization.py",
     "RuntimeError: [enforce fail at inline_container.cc:603] . unexpected pos 1024 vs 918"},
    {"checkpoint_load_failed", "/venv/site-packages/torch/nn/modules/module.py",
     "RuntimeError: Error(s) in loading state_dict for Llama:"},
    {"disk_full", "/venv/site-packages/datasets/arrow_writer.py", "OSError: [Errno 28] No space left on device"},
    {"filesystem_stale_or_io_error", "/app/data.py", "OSError: [Errno 116] Stale file handle: '/mnt/data/shard-3.tar'"},
    {"rendezvous_failed", "/app/dist.py",
     "torch.distributed.DistNetworkError: The server socket has failed to listen on any local network address. port: "
     "29500, useIpv6: false, code: -98, name: EADDRINUSE, message: address already in use"},
    {"python_exception_one_rank", "/app/model.py", "AttributeError: 'NoneType' object has no attribute 'shape'"},
    {"segfault_sigsegv", "", "Fatal Python error: Segmentation fault"},
    {"sigterm_preempted", "",
     "slurmstepd: error: *** JOB 9941 ON gpu03 CANCELLED AT 2026-02-01T10:00:00 DUE TO TIME LIMIT ***"},
    {"driver_or_library_mismatch", "/app/model.py",
     "RuntimeError: The NVIDIA driver on your system is too old (found version 11040)."},
    {"missing_dependency_import_error", "/app/train.py", "ModuleNotFoundError: No module named 'flash_attn'"},
    {"missing_dependency_import_error", "", "rankscope: cannot run torchrun: No such file or directory"},
    {"permission_denied", "", "rankscope: cannot run ./train.py: Permission denied"},
    {"config_error", "", "rankscope: cannot run ./train.py: Exec format error"},
    {"config_error", "", "train.py: error: unrecognized arguments: --per-device-batch 4"},
    {"tensor_shape_mismatch", "/app/model.py",
     "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x768 and 1024x4096)"},
    {"dtype_device_mismatch", "/app/model.py",
     "RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!"},
    {"triton_or_kernel_compile_error", "/venv/site-packages/triton/runtime/autotuner.py",
     "triton.runtime.errors.OutOfResources: out of resource: shared memory, Required: 180224, Hardware limit: 101376."},
    {"hub_auth_or_download_error", "/venv/site-packages/huggingface_hub/utils/_http.py",
     "huggingface_hub.errors.GatedRepoError: 401 Client Error."},
    {"unused_parameters_ddp", "/app/train.py",
     "RuntimeError: Expected to have finished reduction in the prior iteration before starting a new one."},
    {"permission_denied", "/app/train.py", "PermissionError: [Errno 13] Permission denied: '/data/cache'"},
    {"gloo_error", "/app/dist.py",
     "RuntimeError: [../third_party/gloo/gloo/transport/tcp/unbound_buffer.cc:81] Timed out waiting 30000ms for recv "
     "operation to complete"},
    {"grad_overflow_loss_scale", "/app/train.py",
     "Exception: Current loss scale already at minimum - cannot decrease scale anymore. Exiting run."},
    {"process_hung", "",
     "[rank1]:[F ProcessGroupNCCL.cpp:1169] [PG 0 Rank 1] ProcessGroupNCCL's watchdog got stuck for 480 seconds "
     "without making progress in monitoring enqueued collectives."},
    {"checkpoint_load_failed", "/ws/megatron/training/checkpointing.py",
     "megatron.core.dist_checkpointing.core.CheckpointingException: Unexpected keys found in sharded state dict"},
    {"checkpoint_load_failed", "/venv/site-packages/deepspeed/runtime/zero/stage_1_and_2.py",
     "ZeRORuntimeException: The checkpoint being loaded used a DP world size of 64 but the current world size is 32."},
    {"sequence_too_long", "/app/rollout.py", "RuntimeError: Prompt length 5000 is longer than 4096."},
    {"sequence_too_long", "/app/template.py",
     "swift.llm.template.base.MaxLengthError: Current length of row(9120) is larger than the max_length(8192)."},
    {"data_error", "/ws/megatron/core/datasets/indexed_dataset.py",
     "AssertionError: bad header, cannot read: /data/wiki_text_document.idx"},
    {"unused_parameters_ddp", "/app/train.py",
     "RuntimeError: It looks like your LightningModule has parameters that were not used in producing the loss "
     "returned by training_step."},
    {"process_hung", "",
     "[rank1]:[E ProcessGroupNCCL.cpp:1375] [PG ID 0 Rank 1] First PG on this rank that detected no heartbeat of its "
     "watchdog."},
    {"sigterm_preempted", "", "exiting program after receiving SIGTERM."},
    {"sigterm_preempted", "", "the command ended: SIGTERM"},
    {"gloo_error", "/app/dist.py",
     "RuntimeError: Gloo connectFullMesh failed with [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:144] no "
     "error"},
    {"rendezvous_failed", "/venv/site-packages/torch/distributed/launcher/api.py",
     "ConnectionError: Tried to launch distributed communication on port `29500`, but another process is utilizing "
     "it."},
    {"config_error", "/venv/site-packages/transformers/trainer.py",
     "ValueError: You cannot perform fine-tuning on purely quantized models."},
    {"sequence_too_long", "",
     "openai.BadRequestError: Error code: 400 - {'message': \"This model's maximum context length is 4096 tokens. "
     "However, you requested 5120 tokens.\"}"},
    {"cuda_oom", "/app/model.py",
     "ValueError: Some modules are dispatched on the CPU or the disk. Make sure you have enough GPU RAM to fit the "
     "quantized model."},
    {"config_error", "/ws/verl/single_controller/ray/base.py",
     "ValueError: Total available GPUs 4 is less than total desired GPUs 8"},
    {"missing_dependency_import_error", "",
     "ImportError: FlashAttention2 has been toggled on, but it cannot be used: the package flash_attn seems to be not "
     "installed."},
    {"data_error", "/app/sft.py",
     "jinja2.exceptions.TemplateError: Conversation roles must alternate user/assistant/..."},
    {"data_error", "/venv/site-packages/datasets/load.py",
     "ValueError: Unknown split \"train_sft\". Should be one of ['train', 'test']."},
    {"disk_full", "/venv/site-packages/PIL/Image.py\", line 2216, in save\n    fp.close()\n  File \"/app/out.py",
     "OSError: [Errno 122] Disk quota exceeded"},
    {"disk_full", "/usr/lib/python3.11/tempfile.py",
     "FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp']"},
    {"checkpoint_load_failed", "/venv/site-packages/transformers/modeling_utils.py",
     "OSError: Error no file named pytorch_model.bin, model.safetensors found in directory ./out."},
    {"missing_dependency_import_error", "/venv/site-packages/transformers/utils/import_utils.py",
     "RuntimeError: Failed to import transformers.trainer because of the following error (look up to see its "
     "traceback):"},
    {"driver_or_library_mismatch", "/venv/site-packages/deepspeed/ops/op_builder/builder.py",
     "CUDAMismatchException: >- DeepSpeed Op Builder: Installed CUDA version 12.4 does not match the version torch was "
     "compiled with 11.8"},
    {"config_error", "/venv/site-packages/transformers/training_args.py",
     "ValueError: Your setup doesn't support bf16/gpu."},
    {"segfault_sigsegv", "", "!!!!!!! Segfault encountered !!!!!!!"},
    {"cuda_oom", "/app/model.py",
     "tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor with shape[64,2048]"},
    {"cuda_oom", "",
     "Out of memory error on GPU 3. Cannot allocate 98.0MB memory on GPU 3, 79.0GB memory has been used"},
    {"cuda_oom", "", "XlaRuntimeError: RESOURCE_EXHAUSTED: Attempting to reserve 6.48G at the bottom of memory."},
    {"host_oom_killed", "", "memory allocation of 2097152 bytes failed"},
    {"nccl_timeout", "",
     "[ERROR] EI0006: Getting socket times out. Reason: Remote Rank did not send the data in time."},
    {"nccl_system_error", "/app/dist.py", "RuntimeError: [ERROR] HCCL error in: ProcessGroupHCCL.cpp:64"},
    {"collective_mismatch_hang", "",
     "gpu01:21:42 [2] enqueue.cc:1247 NCCL WARN Mismatched collective detected, please check your collective calls"},
    {"nan_or_inf_loss", "", "tensor(nan, device='cuda:0', grad_fn=<NllLossBackward0>)"},
    {"checkpoint_load_failed",
     "/venv/site-packages/torch/distributed/checkpoint/state_dict.py\", line 9, in "
     "_load_optim_state_dict\n    load()\n  File \"/venv/site-packages/torch/distributed/fsdp/_optim_utils.py",
     "KeyError: 'state'"},
    {"triton_or_kernel_compile_error", "/venv/site-packages/triton/backends/nvidia/compiler.py",
     "subprocess.CalledProcessError: Command '/venv/triton/bin/ptxas -v x.ptx' returned non-zero exit status 255."},
    {"python_exception_one_rank", "/venv/site-packages/torch/autograd/__init__.py",
     "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn"},
    {"python_exception_one_rank", "/venv/site-packages/ray/_private/worker.py",
     "ray.exceptions.ActorDiedError: The actor died unexpectedly before finishing this task."},
    {"config_error", "/venv/site-packages/swift/utils/run_utils.py",
     "ValueError: remaining_argv: ['--train_type', 'sft']"},
    {"dtype_device_mismatch", "/venv/site-packages/peft/utils/other.py",
     "TypeError: nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=torch.int32"},
    {"sigterm_preempted", "", "2026/03/01 16:03:58 GCP Metadata Service says termination is imminent"},
    {"python_exception_one_rank", "", "2026-03-01 08:45:46 sagemaker-training-toolkit ERROR ExecuteUserScriptError:"},
    {"nan_or_inf_loss", "", "epoch 0 | iter 4 step 4 | loss train: nan, val: n/a | iter time: 9.7 s"},
    {"config_error", "", "Error executing job with overrides: ['a.b=8']\nKey 'b' is not in struct"},
    {"driver_or_library_mismatch", "/app/train.py", "RuntimeError: Distributed package doesn't have NCCL built in"},
    {"segfault_sigsegv", "", "[launch.py:321:sigkill_handler] ['python', 'train.py'] exits with return code = -7"},
    {"tensor_shape_mismatch", "/app/model.py",
     "ValueError: Input tensor (shape=(344, 1, 15)) and weight tensor (shape=(61,)) are not compatible"},
    {"shared_memory_exhausted", "/app/train.py",
     "RuntimeError: unable to write to file </torch_4123_2310221_0>: No space left on device (28)"},
    {"driver_or_library_mismatch", "",
     "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA "
     "driver is installed and running."},
    {"driver_or_library_mismatch", "",
     "docker: Error response from daemon: OCI runtime create failed: nvidia-container-cli: initialization error: nvml "
     "error: driver/library version mismatch: unknown."},
    {"driver_or_library_mismatch", "",
     "docker: Error response from daemon: could not select device driver \"\" with capabilities: [[gpu]]."},
    {"host_oom_killed", "",
     "Warning  Evicted  2m  kubelet  The node was low on resource: memory. Container trainer was using 460Gi."},
    {"process_hung", "", "kernel: INFO: task python:4412 blocked for more than 120 seconds."},
    {"data_error", "/app/audio.py",
     "soundfile.LibsndfileError: Error opening '/data/a/12.wav': File contains data in an unknown format."},
    {"data_error", "/app/video.py",
     "av.error.InvalidDataError: [Errno 1094995529] Invalid data found when processing input: '/data/v/0012.mp4'"},
    {"checkpoint_save_failed", "/venv/site-packages/transformers/modeling_utils.py",
     "RuntimeError: The weights trying to be saved contained shared tensors [{'lm_head.weight'}] that are mismatching "
     "the transformers base configuration."},
    {"network_degraded", "", "NCCL WARN NET/IB : mlx5_1:1 Got non-fatal async event: port error(10)"},
    {"tensor_shape_mismatch", "/app/model.py",
     "RuntimeError: linear(): input and weight.T shapes cannot be multiplied (4x10 and 12x3)"},
    {"config_error", "/venv/site-packages/transformers/models/auto/configuration_auto.py", "KeyError: 'qwen3_moe'"},
    {"config_error", "/ws/mmengine/registry/build_functions.py",
     "KeyError: 'RotNet is not in the mmrotate::model registry.'"},
    {"config_error", "/app/train.py", "ValueError: --use-fp8 and --use-int8 can't both be set"},
    {"nccl_timeout", "", "[rank5]:[E ProcessGroupNCCL.cpp:1537] [PG 1 Rank 5] Timeout at NCCL work: 88"},
    {"nccl_system_error", "", "gpu4:19:88 [1] include/socket.h:360 WARN Call to connect failed : Connection timed out"},
    {"nccl_system_error", "", "gpu4:19:88 [1] NCCL INFO transport/net.cc:515 -> 2"},
    {"nccl_cuda_error", "", "gpu4:19:88 [1] NCCL INFO init.cc:1010 -> 1"},
    {"gloo_error", "/app/dist.py",
     "RuntimeError: Rank 0 successfully reached monitoredBarrier, but received errors while waiting for send/recv from "
     "rank 2. Please check rank 2 logs for faulty rank."},
    {"collective_mismatch_hang", "/venv/site-packages/deepspeed/runtime/zero/utils.py",
     "RuntimeError: disagreement between rank0 and rank3: rank0: [4, 4], rank3: [4, 5]"},
    {"cuda_oom", "/app/train.py",
     "jax.errors.JaxRuntimeError: RESOURCE_EXHAUSTED: XLA:TPU compile permanent error. Ran out of memory in memory "
     "space "
     "hbm. Used 18.1G of 15.7G hbm."},
    {"gpu_hardware_xid_ecc", "", "HW Exception by GPU node-3 (Agent handle: 0x5581) reason :GPU Hang"},
    {"cuda_oom", "/app/model.py",
     "RuntimeError: cuda runtime error (2) : out of memory at /build/THC/THCStorage.cu:60"},
    {"cublas_cudnn_error", "/app/model.py", "RuntimeError: cublas runtime error : resource allocation failed"},
    {"data_error", "/app/set.py", "_csv.Error: line contains NUL"},
    {"data_error", "/app/set.py", "OSError: Unable to open file (truncated file: eof = 96, sblock->base_addr = 0)"},
    {"sequence_too_long", "/app/model.py", "ValueError: Sequence length must be less than 4096, got 4100"},
    {"hub_auth_or_download_error", "/app/get.py", "RuntimeError: Failed to download the weights"},
    {"checkpoint_load_failed", "/app/resume.py", "AssertionError: arguments not found in the checkpoint"},
    {"checkpoint_save_failed", "/app/out.py",
     "OSError: [Errno 39] Directory not empty: '/out/tmp-checkpoint-5' -> '/out/checkpoint-5'"},
    {"filesystem_stale_or_io_error", "/app/set.py", "OSError: [Errno 14] Bad address: '/mnt/fs/a'"},
    {"tensor_shape_mismatch", "/app/model.py",
     "ValueError: Expected more than 1 value per channel when training, got input size torch.Size([1, 64, 1, 1])"},
    {"dtype_device_mismatch", "/app/model.py",
     "RuntimeError: Expected object of device type cuda but got device type cpu for argument #2 'weight'"},
    {"dtype_device_mismatch", "/venv/site-packages/torch/amp/grad_scaler.py",
     "ValueError: Attempting to unscale FP16 gradients."},
    {"config_error", "/app/launch.py", "KeyError: 'LOCAL_RANK'"},
    {"cublas_cudnn_error", "/app/train.py",
     "tensorflow.python.framework.errors_impl.InternalError: Blas GEMM launch failed : a.shape=(8, 8), b.shape=(8, 8)"},
    {"host_oom_killed", "", "srun: error: gpu17: task 12: Out Of Memory"},
    {"host_oom_killed", "", "=>> PBS: job killed: mem 66060288kb exceeded limit 62914560kb"},
    {"dataloader_worker_killed", "/venv/site-packages/batchgenerators/dataloading/multi_threaded_augmenter.py",
     "RuntimeError: One or more background workers are no longer alive. Exiting."},
    {"data_error", "/app/video.py",
     "cv2.error: OpenCV(4.9.0) resize.cpp:4152: error: (-215:Assertion failed) !ssize.empty() in function 'resize'"},
    {"data_error", "/app/shards.py", "webdataset.autodecode.DecodingError: (None, None, '/data/0003.tar')"},
    {"sequence_too_long", "/app/rollout.py",
     "ValueError: Input length of input_ids is 5000, but `max_length` is set to 4096."},
    {"sequence_too_long", "/app/serve.py",
     "ValueError: The model's max seq len (8192) is larger than the maximum number of tokens that can be stored in KV "
     "cache (6000)."},
    {"hub_auth_or_download_error", "/app/get.py",
     "modelscope.hub.errors.NotExistError: The file path: config.json not exists"},
    {"missing_dependency_import_error", "", "launch.sh: line 4: deepspeed: command not found"},
    {"sigterm_preempted", "", "=>> PBS: job killed: walltime 3630 exceeded limit 3600"},
    {"sigterm_preempted", "", "salloc: Job 81 has exceeded its time limit and its allocation has been revoked."},
    {"nan_or_inf_loss", "", "ERROR:tensorflow:Model diverged with loss = NaN."},
    {"nan_or_inf_loss", "", "Batch 7: Invalid loss, terminating training"},
    {"grad_overflow_loss_scale", "",
     "[INFO] [logging.py:60:log_dist] [Rank 0] Overflow detected. Skipping step. Attempted loss scale: 1, reducing to "
     "1"},
    {"checkpoint_save_failed", "/venv/site-packages/torch/serialization.py",
     "RuntimeError: Parent directory /out/step_100 does not exist."},
    {"checkpoint_save_failed", "/app/save.py\", line 9, in save_checkpoint\n    torch.save(x, p)\n  File \"/app/io.py",
     "FileNotFoundError: [Errno 2] No such file or directory: '/out/step_100/opt.pt'"},
    {"checkpoint_load_failed", "/app/load.py",
     "safetensors_rust.SafetensorError: Error while deserializing: incomplete metadata, file not fully covered"},
    {"python_exception_one_rank", "",
     "W op_kernel.cc:1651] OP_REQUIRES failed at mpi_ops.cc:402 : Unknown: Horovod has been shut down. This was caused "
     "by an exception on one of the ranks."},
};

TEST(Judge, KnowsTheWordsOfEachClass) {
  for (const Wording& wording : kWordings) {
    std::string text = *wording.place ? Traceback(wording.place, wording.text) : std::string(wording.text) + "\n";
    Verdict verdict = JudgeLog(text);
    EXPECT_EQ(verdict.failure, wording.failure) << wording.text << "\n  root: " << verdict.root_line;
    EXPECT_EQ(verdict.advice.empty(), false) << wording.text;
  }
}

// gloo has no logger: whoever told its exception as a warning, and nothing more, ended with it.
TEST(JudgeWords, WhatGlooRaisedIsAFailureAtAnyLevelWhereItIsTheLastWord) {
  const std::string told = "2026-03-04 10:11:12,131 WARNING trainer.py:41 -- ";
  const std::string raised =
      "[/src/third_party/gloo/gloo/transport/tcp/unbound_buffer.cc:84] Timed out waiting 9000ms "
      "for recv operation to complete\n";
  EXPECT_EQ(JudgeLog("Batch size: 16\n" + told + raised + "\n").failure, "gloo_error");
  EXPECT_TRUE(JudgeLog("Batch size: 16\n" + told + raised + "resizing to 3 workers\n").healthy);
  EXPECT_TRUE(JudgeLog("Batch size: 16\n" + told + "Timed out waiting 9000ms for recv operation\n").healthy);
}

TEST(JudgeWords, WhichParametersGotNoGradientTellsOfUnusedOnesAndOfTheRank) {
  Verdict verdict = JudgeLog("Parameter indices which did not receive grad for rank 5: 31 32 33\n");
  EXPECT_EQ(verdict.failure, "unused_parameters_ddp");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{5});
}

TEST(JudgeWords, ALauncherMayNameTheProgramBeforeTheRank) {
  EXPECT_EQ(JudgeLog("failed (exitcode: -9) for /venv/bin/python with local_rank: 3 (process 52)\n").culprits,
            std::vector<int32_t>{3});
}

// Where only the launcher speaks, what it raises says less than its line on the process that it saw fail first.
TEST(JudgeWords, ARowOfALaunchersTableAloneTellsWhoFailed) {
  const std::string row = "  rank      : 3 (local_rank: 1)\n  exitcode  : ";
  const Verdict verdict = JudgeLog(Steps(1, 4) + row + "1 (pid: 82)\n  error_file: <N/A>\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{3});
  for (const char* code : {"1", "3", "-9"}) {
    const std::string table =
        row + code + " (pid: 82)\nRoot Cause (first observed failure):\n[0]:\n  rank      : 0 (local_rank: 0)\n";
    const Verdict first = JudgeLog(table + "  exitcode  : " + code + " (pid: 81)\n");
    EXPECT_EQ(first.culprits, std::vector<int32_t>{0}) << code;
    EXPECT_NE(first.root_line.find("(pid: 81)"), std::string::npos) << code;
  }
  EXPECT_TRUE(JudgeLog(Steps(1, 4) + row + "0 (pid: 82)\n  error_file: <N/A>\n").healthy);
}

TEST(JudgeWords, TheRootOfWhatALauncherRaisesIsTheEndThatItSaw) {
  const std::string raised = Traceback("/venv/torch/distributed/launcher/api.py",
                                       "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ");
  const std::string end =
      "ERROR:torch.distributed.elastic.multiprocessing.api:failed (exitcode: 1) local_rank: 2 (pid: 81) of binary: "
      "py\n";
  EXPECT_NE(JudgeLog(end + raised).root_line.find("(exitcode: 1) local_rank: 2"), std::string::npos);
  const std::string table =
      "Failures:\n[1]:\n  rank      : 1 (local_rank: 1)\n  exitcode  : 1 (pid: 82)\n"
      "Root Cause (first observed failure):\n[0]:\n  rank      : 0 (local_rank: 0)\n  exitcode  : 1 (pid: 81)\n";
  EXPECT_NE(JudgeLog(raised + table).root_line.find("(pid: 81)"), std::string::npos);
  EXPECT_NE(JudgeLog(raised).root_line.find("ChildFailedError"), std::string::npos);
}

}  // namespace
}  // namespace rankscope::diagnose
