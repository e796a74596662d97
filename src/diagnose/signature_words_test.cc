#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// The words of a signature, and its class: what no other test has.
struct Words {
  const char* failure;
  const char* text;
};

const Words kExceptions[] = {
    {"checkpoint_save_failed", "RuntimeError: file write failed after 81 bytes"},
    {"checkpoint_save_failed", "ValueError: Checkpoint already exists and overwrite is off"},
    {"checkpoint_save_failed",
     "torch.distributed.checkpoint.api.CheckpointException: CheckpointException ranks:dict_keys([3])"},
    {"checkpoint_load_failed", "_pickle.UnpicklingError: invalid load key, 'v'."},
    {"checkpoint_load_failed", "ValueError: loaded state dict has a different number of parameter groups"},
    {"checkpoint_load_failed", "RuntimeError: Missing router weights: 3"},
    {"nccl_timeout", "RuntimeError: WorkNCCL(SeqNum=81, OpType=ALLREDUCE) timed out in blocking wait"},
    {"nccl_system_error",
     "torch.distributed.DistBackendError: NCCL error in: x.cpp:81, internal error - please report"},
    {"config_error", "torch.distributed.DistBackendError: NCCL error in: x.cpp:81, invalid usage, ncclInvalidUsage"},
    {"collective_mismatch_hang", "ValueError: Cannot apply desired operation due to shape mismatches"},
    {"collective_mismatch_hang", "MPI_ERR_TRUNCATE: message truncated"},
    {"collective_mismatch_hang", "RuntimeError: Shape mismatch in the collective instance 81"},
    {"triton_or_kernel_compile_error", "torch._inductor.exc.InductorError: LoweringException: KeyError: 81"},
    {"triton_or_kernel_compile_error",
     "ImportError: /root/.cache/torch_extensions/adam/adam.so: cannot open shared object file: No such file or "
     "directory"},
    {"config_error", "TypeError: Trainer.__init__() got an unexpected keyword argument 'foo'"},
    {"config_error", "ValueError: rdzv: endpoint is missing in endpoint"},
    {"config_error", "huggingface_hub.errors.HFValidationError: Repo id must be short"},
    {"config_error", "ValueError: Unrecognized model in /data/m7"},
    {"data_error", "json.decoder.JSONDecodeError: Expecting value: line 81 column 3"},
    {"data_error", "UnicodeDecodeError: 'utf-8' codec can't decode byte 0x81"},
    {"data_error", "pyarrow.lib.ArrowInvalid: bad row 81"},
    {"data_error", "zipfile.BadZipFile: bad magic"},
    {"data_error", "ValueError: expected sequence of length 81 at dim 1 (got 3)"},
    {"sequence_too_long", "ValueError: 81 positions, max_position_embeddings is only 64"},
    {"sequence_too_long", "AssertionError: Cannot forward sequence of length 81"},
    {"dtype_device_mismatch", "TypeError: data must be one of torch.FloatTensor"},
    {"sigterm_preempted", "TERM_PREEMPT: job ended for another"},
    {"cuda_oom", "ValueError: No available memory for the cache blocks"},
    {"cuda_oom", "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static"},
    {"gpu_hardware_xid_ecc", "RuntimeError: CUDA error: uncorrectable NVLink error detected"},
    {"gpu_hardware_xid_ecc", "NVRM: GPU 0000:3b:00.0: RmInitAdapter failed! (0x81)"},
    {"cuda_illegal_memory_access", "RuntimeError: CUDA error: misaligned address"},
    {"cuda_illegal_memory_access", "RuntimeError: CUDA error: an illegal instruction was encountered"},
    {"cuda_illegal_memory_access", "RuntimeError: CUDA error: unspecified launch failure"},
    {"device_side_assert", "RuntimeError: CUDA error: device-side assert triggered"},
    {"cublas_cudnn_error", "RuntimeError: Unable to find a valid cuDNN algorithm to run convolution"},
    {"cublas_cudnn_error", "RuntimeError: cusolver error: CUSOLVER_STATUS_INTERNAL_ERROR"},
    {"host_oom_killed", "RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to allocate 81 bytes"},
    {"host_oom_killed", "ray.exceptions.OutOfMemoryError: Task was killed due to the node running low on memory."},
    {"dataloader_worker_killed", "concurrent.futures.process.BrokenProcessPool: a child died"},
    {"shared_memory_exhausted", "OSError: /dev/shm is too small"},
    {"too_many_open_files", "OSError: [Errno 24] Too many open files: 'a.bin'"},
    {"too_many_open_files", "RuntimeError: can't start new thread"},
    {"too_many_open_files", "BlockingIOError: [Errno 11] Resource temporarily unavailable"},
    {"hub_auth_or_download_error", "OSError: You are trying to access a gated repo."},
    {"hub_auth_or_download_error", "OSError: Consistency check failed: file should be of size 81"},
    {"hub_auth_or_download_error", "OSError: acme/m7 is not a local folder and is not a valid model name"},
    {"hub_auth_or_download_error", "wandb.errors.UsageError: api_key not configured (no-tty)"},
    {"rendezvous_failed", "RuntimeError: Timed out initializing process group in store based barrier on rank: 3"},
    {"rendezvous_failed", "jaxlib.xla_extension.XlaRuntimeError: DEADLINE_EXCEEDED: Barrier timed out"},
    {"rendezvous_failed",
     "RuntimeError: [1] is setting up NCCL communicator; could not get the NCCLUniqueID from the store"},
    {"config_error", "ValueError: environment variable RANK expected, but not set"},
    {"driver_or_library_mismatch",
     "RuntimeError: CUDA error: no kernel image is available for execution on the device"},
    {"driver_or_library_mismatch", "RuntimeError: CUDA Setup failed despite a GPU"},
    {"missing_dependency_import_error",
     "importlib.metadata.PackageNotFoundError: No package metadata was found for foo"},
    {"missing_dependency_import_error", "AssertionError: Invalid Transformer Engine version 0.9"},
    {"missing_dependency_import_error", "RuntimeError: launcher 'pdsh' not installed."},
    {"missing_dependency_import_error", "AttributeError: module 'apex' has no attribute 'amp'"},
    {"filesystem_stale_or_io_error", "OSError: [Errno 107] Transport endpoint is not connected: '/mnt/a'"},
    {"permission_denied", "OSError: [Errno 1] Operation not permitted: '/data/a'"},
    {"tensor_shape_mismatch", "IndexError: Dimension out of range (expected 3)"},
    {"tensor_shape_mismatch", "AssertionError: Mismatched grad shapes"},
    {"unused_parameters_ddp", "RuntimeError: Expected to mark a variable ready only once."},
};

TEST(Judge, KnowsExceptionsByTheirWords) {
  for (const Words& words : kExceptions) {
    Verdict verdict = JudgeLog(Traceback("/app/run.py", words.text));
    EXPECT_EQ(verdict.failure, words.failure) << words.text;
    EXPECT_EQ(verdict.root_line, words.text);
  }
}

const Words kLines[] = {
    {"nccl_system_error", "gpu4:19:88 [1] NCCL WARN Bootstrap : no socket interface found"},
    {"nccl_system_error", "gpu4:19:88 [1] misc/socket.cc:81 NCCL WARN socketProgress: Connection refused"},
    {"nccl_system_error",
     "gpu4:19:88 [1] misc/shmutils.cc:81 NCCL WARN Error: failed to extend shared memory segment to 81 bytes"},
    {"nccl_system_error",
     "gpu4:19:88 [1] misc/socket.cc:81 NCCL WARN connect to 10.0.0.4<411> returned, exceeded error retry count"},
    {"nccl_system_error", "gpu4:19:88 [1] plugin/net.cc:81 NCCL WARN Failed to initialize any NET plugin"},
    {"driver_or_library_mismatch",
     "gpu4:19:88 [1] init.cc:81 NCCL WARN Mismatched NCCL version detected : rank 3 version 221 rank 0 version 222"},
    {"config_error",
     "gpu4:19:88 [1] argcheck.cc:81 NCCL WARN Broadcast : invalid root 9 (root should be in the 0..8 range)"},
    {"config_error",
     "gpu4:19:88 [1] init.cc:81 NCCL WARN Duplicate GPU detected : rank 1 and rank 0 both on CUDA device 81000"},
    {"process_hung", "Could not acquire GIL within 300000 ms on exit, possible GIL induced hang"},
    {"triton_or_kernel_compile_error", "LLVM ERROR: Cannot select: intrinsic"},
    {"cuda_oom", "gpu4:19:88 [1] include/alloc.h:81 NCCL WARN Failed to CUDA calloc 8192 bytes"},
    {"cuda_oom", ":0:rocdevice.cpp:81: aborting: HSA_STATUS_ERROR_OUT_OF_RESOURCES"},
    {"gpu_hardware_xid_ecc", "GPU 3: row remapping failed"},
    {"gpu_hardware_xid_ecc", "dcgm: health check of GPU 3 failed"},
    {"gpu_hardware_xid_ecc", "mce: [Hardware Error]: CPU 3: bank 8"},
    {"cuda_illegal_memory_access", "[81.5] NVRM: Xid (PCI:0000:3b:00): 13, pid=4411, Graphics Exception"},
    {"host_oom_killed", "terminate called after throwing an instance of 'std::bad_alloc'"},
    {"segfault_sigsegv", "Container rank 2 status failed cmd ['python3'] code -6 log a.2"},
    {"segfault_sigsegv", "Container rank 2 status failed cmd ['python3'] code -7 log a.2"},
    {"segfault_sigsegv", "double free or corruption (out)"},
    {"segfault_sigsegv", "Fatal Python error: Floating point exception"},
    {"segfault_sigsegv", "Fatal Python error: Illegal instruction"},
    {"python_exception_one_rank", "training crashed: ZeroDivisionError: division by zero"},
    {"python_exception_one_rank", "Error executing job with overrides: ['model=tiny', 'lr=0.1']"},
    {"python_exception_one_rank",
     R"({"name": "torchelastic.worker.status.FAILED", "source": "WORKER", "metadata": {"run_id": "7", "state": "FAILED"}})"},
    {"host_oom_killed", "=   EXIT CODE: 9"},
    {"segfault_sigsegv", "=   EXIT CODE: 11"},
    {"segfault_sigsegv", "=   EXIT CODE: 6"},
    {"segfault_sigsegv", "F0502 14:35:58.382670 79711 layer.cpp:107] Check failed: a == b (1 vs. 2)"},
    {"segfault_sigsegv",
     "1/2 [00:01, 1.2s/it]F0000 00:00:1716973077.46 9049 client.cc:487] Non-OK-status: INTERNAL: x"},
    {"segfault_sigsegv", "2021-01-01 10:00:00.1: F tensorflow/core/a.cc:34] Check failed: it->second"},
    {"nccl_system_error",
     "gpu1:19:88 [1] include/socket.h:403 NCCL WARN Connect to fe80::1a%ib0<4711> failed : no way"},
    {"disk_full", "watch: /scratch is over 98% full, not enough free disk space"},
    {"filesystem_stale_or_io_error", "nfs: server nas3 not responding, still trying"},
    {"permission_denied", "wandb: ERROR permission denied to the project acme"},
    {"host_oom_killed", "ERROR worker 5 was terminated via SIGKILL"},
    {"host_oom_killed", "earlyoom[92]: sending SIGKILL to process 6001 uid 7 \"python\": badness 812"},
    {"config_error", "TypeError: Encoder.__init__() got an unexpected keyword argument 'dtype'"},
    {"config_error", "TypeError: Encoder.__init__() got an unexpected keyword argument 'shape'"},
    {"config_error", "the run ended: World size 6 must be a multiple of the parallel degree 4"},
    {"config_error", "RuntimeError: device mesh shape (2, 4) does not match, got world size 6"},
    {"python_exception_one_rank", "RuntimeError: ranks 0 and 1 are placed on the same GPU"},
    {"python_exception_one_rank", "ValueError: please update your configuration"},
    {"python_exception_one_rank", "RuntimeError: Timeout waiting for the peers to save the checkpoint"},
    {"python_exception_one_rank", "ValueError: unexpected weight decay -1"},
};

// They sound like lines above.
constexpr const char* kHealthy[] = {
    "Rewards: 12/64 failed verification",
    "job phase: Failed -> Running",
    "gpu4:19:88 [1] misc/ibvwrap.cc:81 NCCL WARN NET/Plugin: Failed to find a symbol",
    "backbone is frozen, head is trained",
    "no progress for the last 3 epochs in val loss, patience 3/10",
    "Word Error Rate 0.21, mismatch across ranks 0.00",
    "ReconstructionError 0.23 shape (3, 4) expected (3, 4)",
    "Error tolerance 1e-6, identical across all ranks",
    "World size 6, of which 4 train and 2 roll out",
    "Error budget: records missing 3 of 100000",
};

TEST(Judge, KnowsTheLastLinesOfALogByTheirWords) {
  for (const Words& words : kLines) {
    EXPECT_EQ(JudgeLog(std::string("loading the model\n") + words.text + "\n").failure, words.failure) << words.text;
  }
}

TEST(Judge, TakesLinesThatOnlySoundIllForNone) {
  for (const char* line : kHealthy) EXPECT_TRUE(JudgeLog(Steps(1, 9) + line + "\n").healthy) << line;
}

}  // namespace
}  // namespace rankscope::diagnose
