#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

// What launchers, runtimes and frameworks other than torch's own say of a failure, and beside it what sounds like it
// in a run that goes well. Alone in a log that ends there, since a job cannot outlive either.
struct Pair {
  const char* failure;
  const char* text;
  const char* healthy;
};

const Pair kPairs[] = {
    {"python_exception_one_rank", "ERROR:composer.cli.launcher:Rank 3 crashed with exit code 1.",
     "INFO:composer.cli.launcher:Rank 3 finished with exit code 0."},
    {"python_exception_one_rank", "ERROR:composer.cli.launcher:Global rank 5 (PID 7120) exited with code 2",
     "INFO:composer.cli.launcher:Global rank 5 (PID 7120) exited with code 0"},
    {"segfault_sigsegv",
     "Container rank 2 status failed cmd ['/usr/bin/python3', '-u', 'run.py'] code -11 log log/workerlog.2",
     "Container rank 2 status running cmd ['/usr/bin/python3', '-u', 'run.py'] code None log log/workerlog.2"},
    {"python_exception_one_rank",
     "The actor is dead because its worker process has died. Worker exit detail: Worker unexpectedly exits. Some "
     "common "
     "causes include: (1) the process was killed by the OOM killer due to high memory usage, or (3) the worker crashed "
     "unexpectedly due to SIGSEGV",
     "(raylet) Some common causes include: (1) the process was killed by the OOM killer"},
    {"triton_or_kernel_compile_error",
     "[rank2]: Original traceback:\n[rank2]: None\n\n[rank2]: Set TORCH_LOGS=\"+dynamo\" and TORCHDYNAMO_VERBOSE=1 "
     "for more information",
     "torch._dynamo.config.suppress_errors = True"},
    {"segfault_sigsegv", "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES\n=   EXIT CODE: 134",
     "=   EXIT CODE: 0"},
    {"nccl_system_error", "[op_base.cc:974][Init]errNo[0x0000000005000002]HcclCommInitRootInfo failed.",
     "[op_base.cc:974][Init]HcclCommInitRootInfo success"},
    {"cuda_oom", "Error out of memory at line 91 in file /src/quant/csrc/ops.cu", "out of memory: 0 at line 91"},
    {"cuda_oom", "[10:31:07] src/ops/gather.h:91: Check failed: err == cudaSuccess (2 vs. 0) gather: out of memory",
     "[10:31:07] src/ops/gather.h:91: err == cudaSuccess, 3 pools out of 4 in memory"},
    {"driver_or_library_mismatch", "RuntimeError: No HIP GPUs are available", "8 HIP GPUs are available"},
    {"segfault_sigsegv", "[2026-02-03 10:31:07] Error: Floating-point exception",
     "[2026-02-03 10:31:07] floating-point exceptions are trapped"},
    {"host_oom_killed",
     "./run.sh: line 7: 4310 Broken pipe             cat rows.txt\n      4311 Killed                  | python3 fit.py",
     "./run.sh: line 7: 4310 Done                    cat rows.txt\n      4311 Killed a helper"},
    {"process_hung", "gpu4:19:88 [1] NCCL WARN Monitor : the kernel of work 41 may hang in its wait",
     "gpu4:19:88 [1] NCCL INFO Monitor : waits may hang for 2 ms"},
    {"python_exception_one_rank", "Process finished with exit code -1", "Process finished with exit code 0"},
    {"cuda_oom",
     "n4 [2]   (1) Resource exhausted: Attempting to allocate 96.20M. That was not possible. There are 81.0M free.",
     "Attempting to allocate 96.20M. There are 181.0M free."},
    {"python_exception_one_rank", "10:31:07 | CRITICAL | KeyError: 'mask_ids'", "10:31:07 | INFO | mask_ids: 'all'"},
    {"nccl_system_error",
     "MPICH ERROR [Rank 7] [n12] - Abort(2695311) (rank 7 in comm 0): Fatal error in PMPI_Bcast: Other MPI error, "
     "error "
     "stack:\nMPIDI_OFI_handle_cq_error(1075)......: OFI poll failed (ofi_events.c:1077:Input/output error)",
     "MPICH: OFI provider verbs, 64 ranks in comm 0"},
    {"segfault_sigsegv", "F0301 10:11:12.501000  4242 mesh.cc:31] Check failed: rows == 8 (7 vs. 8)",
     "Check failed: 3 of 300 images are too small"},
    {"host_oom_killed", "Container rank 1 status failed cmd ['python3', 'run.py'] code -9 log log/workerlog.1",
     "Container rank 1 status completed cmd ['python3', 'run.py'] code 0 log log/workerlog.1"},
    {"python_exception_one_rank",
     "The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker "
     "unexpectedly exits with a connection error code 2. End of file. There are some potential root causes. (1) The "
     "process is killed by SIGKILL by OOM killer due to high memory usage. (3) The worker is crashed unexpectedly due "
     "to SIGSEGV or other unexpected errors.",
     "(raylet) An actor that is dead gets another worker process: 2 restarts left"},
    {"cuda_illegal_memory_access",
     ":0:rocdevice.cpp:2701: 81211 us: Device::callbackQueue aborting with error : "
     "HSA_STATUS_ERROR_MEMORY_APERTURE_VIOLATION: code: 0x29",
     ":3:rocdevice.cpp:440 : 81211 us: Initializing HSA stack. HSA_STATUS_SUCCESS"},
    {"nccl_system_error",
     "gpu4:19:88 [1] misc/socket.cc:717 NCCL WARN ncclSocketInit: connecting to address with family 9 is neither "
     "AF_INET(2) nor AF_INET6(10)",
     "gpu4:19:88 [1] NCCL INFO ncclSocketInit: listening on eth0"},
    {"nccl_system_error", "gpu4:19:88 [1] NCCL INFO transport/net_socket.cc:331 -> 3",
     "gpu4:19:88 [1] NCCL INFO Ring 03 : 2 -> 3"},
    {"nccl_system_error", "mlx5: gpu17: got completion with error:", "mlx5: gpu17: got completion of 81022 sends"},
    {"rendezvous_failed", "torch.distributed.DistNetworkError: on gpu03, port: 29511 already in use",
     "rendezvous: on gpu03, port: 29511"},
    {"rendezvous_failed",
     "RuntimeError: Deadline exceeded: Failed to connect to remote server at address: grpc://n1:84",
     "Connected to remote server at address: grpc://n1:84"},
    {"gloo_error",
     "terminate called after throwing an instance of 'gloo::EnforceNotMet'\n  what():  [enforce fail at "
     "/build/gloo/transport/tcp/pair.cc:592] fd_ == FD_INVALID. 41 vs -1",
     "[I gloo/transport/tcp/pair.cc:592] fd_ 41, 4 pairs connected"},
    {"checkpoint_load_failed",
     "RuntimeError: [enforce fail at inline_container.cc:233] . file not found: archive/data/940017",
     "inline_container.cc:233 . file read: archive/data/940017"},
    {"sequence_too_long", "ValueError: Sequence length 2210 above maximum sequence length of 2048",
     "INFO: packed sequence length 2048, maximum sequence length 4096"},
    {"filesystem_stale_or_io_error", "lustre: I/O to OST0003 hung, 40 s without an answer",
     "lustre: I/O to OST0003 in 40 ms, no stalls"},
    {"sigterm_preempted", "pod trainer-3 was evicted by the scheduler", "object store: 12 blocks evicted/spilled"},
    {"host_oom_killed", "TERM_MEMLIMIT: job killed after reaching LSF memory usage limit.", "TERM_NORMAL: job ended"},
    {"host_oom_killed", "=>> PBS: job killed: vmem 52009kb exceeded limit 50331kb",
     "PBS: job 12.srv used vmem 52009kb"},
    {"cuda_oom", "RuntimeError: cuMemCreate failed: CUDA_ERROR_OUT_OF_MEMORY", "cuMemCreate: 2.1 GiB, CUDA_SUCCESS"},
    {"cuda_oom", "Memory not enough: current free memory size[1048576] is smaller than required size[33554432]",
     "Memory: current free memory size[1048576]"},
    {"nccl_system_error",
     "gpu4:19:88 [0] bootstrap.cc:412 NCCL WARN Bootstrap Root : rank 5 of 16 ranks has already checked in",
     "gpu4:19:88 [0] NCCL INFO Bootstrap Root : rank 5 of 16 ranks checked in"},
    {"nccl_system_error", "gpu4:19:88 [1] NCCL WARN NET/OFI Request 0x7f10 completed with error. RC: 103",
     "gpu4:19:88 [1] NCCL INFO NET/OFI Selected provider is efa"},
    {"gpu_hardware_xid_ecc", "amdgpu 0000:83:00.0: amdgpu: GPU reset begin!. Source:  1",
     "amdgpu 0000:83:00.0: amdgpu: GPU reset is enabled, ring sdma0 uses VM inv eng 0"},
    {"gpu_hardware_xid_ecc", "mlx5_core 0000:5e:00.0: poll_health: device's health compromised - reached miss count",
     "mlx5_core 0000:5e:00.0: poll_health: device's health recovered"},
    {"device_side_assert", ":0:rocdevice.cpp: Device-side assertion `idx < n' failed.",
     "device-side assertions are compiled in"},
    {"device_side_assert", "/src/gather.cu:88: gather_rows: Assertion `row < rows` failed.",
     "/src/gather.cu:88: gather_rows takes rows as they come"},
    {"segfault_sigsegv", "python3: /src/gather.cu:88: void launch(int): Assertion `rows > 0' failed.",
     "/src/gather.cu:88: the launch was checked"},
    {"segfault_sigsegv", "python: malloc.c:2617: sysmalloc: Assertion `(old_top == initial_top (av))' failed.",
     "malloc.c:2617: sysmalloc: 12 arenas"},
    {"segfault_sigsegv", "./run.sh: line 18: 23242 Aborted                 (core dumped) python train.py",
     "./run.sh: line 18: a core is dumped where ulimit -c allows it"},
    {"segfault_sigsegv", "./run.sh: line 9: 4402 Bus error               (core dumped) python train.py",
     "./run.sh: line 9: bus errors: 0"},
    {"python_exception_one_rank", "srun: error: Task launch for 41.0 failed on node n7: Job credential expired",
     "srun: Task launch for 41.0 succeeded"},
    {"sigterm_preempted", "TERM_OWNER: job killed by owner.", "TERM_OWNER and TERM_ADMIN are exit reasons of bhist"},
    {"filesystem_stale_or_io_error", "OSError: [Errno 37] No locks available", "file locks: 37 locks available"},
    {"permission_denied", "mlflow.exceptions.RestException: PERMISSION_DENIED: no edit right on experiment 3",
     "mlflow: edit right on experiment 3, no PERMISSION_DENIED"},
    {"config_error", "ls: nothing\nValueError: Target modules {'q'} not found in the base model.",
     "ls: cannot access '/dev/nvidia-caps-imex-channels/': No such file or directory"},
    {"tensor_shape_mismatch", "RuntimeError: invalid argument 3: sizes do not match at /build/Pointwise.cu:96",
     "note: the two vocabularies' sizes do not match, padding the smaller"},
    {"python_exception_one_rank", "Exception: 'AssertionError()'", "Exception: none"},
    {"process_hung",
     "Thread 2 (Thread 0x7f20a1c3d640 (LWP 8117)):\n#0  0x00007f20b4415d1a in progress () from /opt/a.so",
     "Thread 2 of 8 reads"},
    {"process_hung", "* 1    Thread 0x7f41d2e60740 (LWP 913) \"python\" poll () at poll.c:29",
     "1    Thread pool started"},
    {"missing_dependency_import_error", "RuntimeError: Only TE with version >=2.3.0 supports that now.",
     "WARNING: tabulate is not installed. Proceeding without it."},
};

TEST(Judge, KnowsTheWordsOfOtherLaunchersAndRuntimesFromThoseOfHealthyRuns) {
  for (const Pair& pair : kPairs) {
    Verdict failed = JudgeLog(std::string("loading the model\n") + pair.text + "\n");
    EXPECT_EQ(failed.failure, pair.failure) << pair.text << "\n  root: " << failed.root_line;
    Verdict healthy = JudgeLog(Steps(1, 4) + pair.healthy + "\n");
    EXPECT_TRUE(healthy.healthy) << pair.healthy << "\n  " << healthy.failure;
  }
}

// What healthy runs say of themselves in the words of failures.
const char* const kNotes[] = {
    "found inf in grad, loss scale reduced",
    "found inf in gradients at step 3, reducing loss scale to 32768",
    "gradient buckets with different sizes: [25, 31]",
    "val set and train set have different sizes",
    "loading checkpoint: mismatched shapes: []",
    "cudnn.benchmark: inputs with different shapes will be slower",
    "INFO optimizer state not on the same device as parameters, moving it",
    "Unsupported dtype fp8 on this GPU, bf16 is used",
    "UserWarning: Incompatible dtype torch.float64, casting to float32",
    "checkpoint dtype fp16 != bf16",
    "kv cache: 300 blocks have been evicted",
    "Evicted 12 blocks",
    "TERM_OWNER=screen",
    "checkpoint job j12 deleted by retention policy",
    "Checkpoint does not contain an lr scheduler, starting a new one",
    "lm_head.weight not found in loaded checkpoint, tying weights",
    "Missing key lm_head.weight in checkpoint (tied weights)",
    "unknown checkpoint version 0, assuming 3.0",
    "Checkpoint already exists and will be overwritten",
    "flash attention only supports Ampere GPUs or newer, sdpa is used",
    "fp8 is only supported on GPUs with compute capability >= 8.9, bf16 is used",
    "bitsandbytes: compiled without CUDA support",
    "no accelerator device is detected, CPU used",
    "transformers requires torch 2.1",
    "Environment variable `HF_TOKEN` not found",
    "valid GPU counts: [1, 2, 4, 8]",
    "device 3 is not visible",
    "Requested shared memory (99000 bytes) exceeds limit for config 4; pruned",
    "Tip: increase --mem-fraction-static for higher throughput",
    "mlflow log_metric failed: RestException: 500",
    "upload to S3 failed: ClientError: SlowDown",
    "unable to lock file, errno = 11: cache disabled",
    "worker 4 stopped sending heartbeats during checkpoint, resumed",
    "/venv/amp.py:81: UserWarning: the cast only supports float32, others are converted",
    "Found NaN loss, skip backward",
    "NaN detected in the logits; values were sanitized",
    "WARNING: Port 29511 is already in use. Binding to a random available port.",
    "the daemon did not exit, sending SIGKILL",
    "Killed an orphaned server of the last run",
    "Terminated sandbox 4",
    "Waiting for the batch job that exports the last run",
};

TEST(Judge, TakesNotesInTheWordsOfFailuresForNone) {
  for (const char* note : kNotes) {
    Verdict verdict = JudgeLog(Steps(1, 4) + note + "\n");
    EXPECT_TRUE(verdict.healthy) << note << "\n  " << verdict.failure;
  }
}

TEST(Judge, KnowsAWaitForWhatIsNotDone) {
  EXPECT_EQ(JudgeLog("waiting for all ranks to complete initialization\n").failure, "process_hung");
}

TEST(Judge, FindsTheExceptionBelowFramesThatLostTheirIndentation) {
  Verdict verdict = JudgeLog(
      "[rank0]: Traceback (most recent call last):\n[rank0]: File \"/app/cli/sft.py\", line 5, in <module>\n"
      "[rank0]: sft_main()\n[rank0]: File \"/app/train.py\", line 9, in sft_main\n[rank0]: step(batch)\n"
      "[rank0]: RuntimeError: setup failed!\n");
  EXPECT_EQ(verdict.root_line, "RuntimeError: setup failed!");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 0);
}

TEST(Judge, KnowsAnExceptionByItsNameBelowAFrameWithoutItsSource) {
  for (const char* exception : {"lib.QueueTimeout: no item", "lib.JoinFailure: two of four", "ArrowInvalid: row 3"}) {
    Verdict verdict =
        JudgeLog(std::string("Traceback (most recent call last):\nFile \"/app/train.py\", line 5, in run\n") +
                 exception + "\nexit\n");
    EXPECT_EQ(verdict.root_line, exception);
  }
}

TEST(Judge, NamesTheRankWhoseContainerPaddlesLauncherSawFail) {
  Verdict verdict = JudgeLog(
      "LAUNCH ERROR 2026-02-03 10:00:00,101 Container failed !!!\n"
      "Container rank 3 status failed cmd ['python3', '-u', 'run.py'] code 1 log log/workerlog.3\n");
  EXPECT_EQ(verdict.failure, "python_exception_one_rank");
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->rank, 3);
}

// A launcher's report of the end of one process, and the rank that it is of.
struct Report {
  const char* failure;
  int32_t rank;
  const char* text;
};

const Report kReports[] = {
    {"python_exception_one_rank", 2,
     "Unhandled mesh failure, crashing! MeshFailure(rank=2, event=unix:@b7,actors_0,Learner_9[2]: failed: stopped)"},
    {"python_exception_one_rank", 2,
     "[rank: 2] Child process with PID 5120 terminated with code 3. Forcefully terminating all other processes"},
    {"host_oom_killed", 1,
     "[rank: 1] Child process with PID 5120 terminated with code -9. Forcefully terminating all other processes"},
    {"segfault_sigsegv", 6,
     "mpirun noticed that process rank 6 on node gpu4 exited on signal 11 (Segmentation fault)."},
    {"segfault_sigsegv", 1,
     "prterun noticed that process rank 1 with PID 7120 on node gpu4 exited on\nsignal 11 (Segmentation fault)."},
    {"segfault_sigsegv", 3,
     "mpirun noticed that process rank 3 with PID xxxxx on node gpu4 exited on signal 11 (Segmentation fault)."},
    {"python_exception_one_rank", 5,
     "The first process to do so was:\n\n   Process name: [prterun-gpu4-9914@1,5]\n   Exit code:    1"},
    {"python_exception_one_rank", 3, "MPI_ABORT was invoked on rank 3 in communicator MPI_COMM_WORLD"},
    {"python_exception_one_rank", 4, "application called MPI_Abort(MPI_COMM_WORLD, 1) - process 4"},
    {"host_oom_killed", 7,
     "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES\n=   RANK 7 PID 5120 RUNNING AT gpu3\n"
     "=   KILLED BY SIGNAL: 9 (Killed)"},
    {"segfault_sigsegv", 6,
     "rank 6 in job 4  gpu2_41830   caused collective abort of all ranks\n  exit status of rank 6: killed by signal "
     "11"},
    {"host_oom_killed", 21,
     "_pmiu_daemon(SIGCHLD): [NID 00471] [c2-0c1s5n3] [Tue Nov  3 08:14:09 2026] PE RANK 21 exit signal Killed"},
    {"python_exception_one_rank", 2,
     "rank 2 in job 4  gpu2_41830   caused collective abort of all ranks\n  exit status of rank 2: return code 3"},
};

TEST(Judge, BlamesTheRankWhoseEndALauncherReports) {
  for (const Report& report : kReports) {
    Verdict verdict = JudgeLog(std::string("loading the model\n") + report.text + "\n");
    EXPECT_EQ(verdict.failure, report.failure) << report.text;
    EXPECT_EQ(verdict.culprits, std::vector<int32_t>{report.rank}) << report.text;
  }
}

TEST(Judge, TakesAChildThatEndedWellForNoFailure) {
  Verdict verdict = JudgeLog(Steps(1, 4) + "[rank: 2] Child process with PID 5120 terminated with code 0.\n");
  EXPECT_TRUE(verdict.healthy) << verdict.root_line;
}

TEST(Judge, BlamesThePeerThatACollectiveLibraryNames) {
  Verdict mismatch = JudgeLog(
      "init.cc:1210 NCCL WARN Mismatched collective detected, please check your collective calls at and around rank "
      "21. "
      "You can use NCCL_DEBUG=INFO to see them.\n");
  EXPECT_EQ(mismatch.failure, "collective_mismatch_hang");
  EXPECT_EQ(mismatch.culprits, std::vector<int32_t>{21});
  const std::string wait = "EI0002: The wait execution of the Notify register times out. Reason: The Notify register ";
  Verdict named = JudgeLog("[rank0]: " + wait + "has not received the Notify record from remote rank [3].\n" +
                           "[rank1]: " + wait + "has not received the Notify record from remote rank [3].\n");
  EXPECT_EQ(named.culprits, std::vector<int32_t>{3});
  // Each blames another.
  Verdict ring = JudgeLog("[rank0]: " + wait + "has not received the Notify record from remote rank [1].\n" +
                          "[rank1]: " + wait + "has not received the Notify record from remote rank [0].\n");
  EXPECT_TRUE(ring.culprits.empty());
}

TEST(Judge, KnowsTheRankByWhatPrefixesALine) {
  const std::string oom = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 3.00 GiB.\n";
  for (const char* prefix :
       {"[SLURM_PROCID=5] ", "PROCID 5: ", "[process 5] ", "2026-02-03 10:00:07,050 INFO [worker-5] ",
        "[ERROR] 2026-02-03-10:00:07 (PID:5120, Device:1, RankID:5) ", "[10:00:07 TP5] ",
        "[2026-02-03 10:00:07 DP1 PP0 TP5 EP5] ", "[2026-02-03 10:00:07.125 DP5] ",
        "2026-02-03 10:00:07 10.0.0.4 [5] "}) {
    EXPECT_EQ(JudgeLog(prefix + oom).culprits, std::vector<int32_t>{5}) << prefix;
  }
  // An NPU's process without a group has none, a number in a sentence is no prefix, and a data loader's is no rank.
  for (const char* prefix :
       {"[ERROR] 2026-02-03-10:00:07 (PID:5120, Device:1, RankID:-1) ", "PROCID 5 has ",
        "[2026-02-03 10:00:07 PP1 TP5] ", "[2026-02-03 10:00:07 DP1 PP5] ", "[worker 5] ", "[worker:5] ", "[Worker5] "})
    EXPECT_TRUE(JudgeLog(prefix + oom).culprits.empty()) << prefix;
}

// Ray's prefix has the process only; Ray Train says once which rank each is.
TEST(Judge, KnowsTheRankOfRayTrainsWorkersByTheirProcess) {
  const std::string oom = "(RayTrainWorker pid=811, ip=10.0.0.4) torch.OutOfMemoryError: CUDA out of memory.\n";
  const std::string row = "(TorchTrainer pid=790) - (node_id=c41, ip=10.0.0.";
  const std::string first = row + "3, pid=810) world_rank=0, local_rank=0, node_rank=0\n";
  EXPECT_EQ(JudgeLog(first + row + "4, pid=811) world_rank=1, local_rank=0, node_rank=1\n" + oom).culprits,
            std::vector<int32_t>{1});
  const std::string twice = row + "4, pid=811) world_rank=1, local_rank=0, node_rank=1\n" + row +
                            "5, pid=811) world_rank=2, local_rank=0, node_rank=2\n";
  EXPECT_TRUE(JudgeLog(first + twice + oom).culprits.empty());
}

// What a barrier says of its device, and launches that have done what others may wait for.
TEST(Judge, TakesNoNoteOnABarrierForAWaitInIt) {
  for (const char* text : {"[rank0]:[W ProcessGroupNCCL.cpp:4115] [PG ID 0 Rank 0]  using GPU 0 to perform barrier as "
                           "devices used by this "
                           "process are currently unknown.",
                           ">>> done with compiling and loading fused kernels. Compilation time: 3.2 seconds"}) {
    Verdict verdict = JudgeLog(std::string("building the model\n") + text + "\n");
    EXPECT_TRUE(verdict.healthy) << verdict.failure << " " << verdict.root_line;
  }
}

TEST(Judge, KnowsTheRankOfAnExceptionByWhatTorchNpuSaysBelow) {
  const std::string raised = Traceback("/app/loop.py", "RuntimeError: The device cannot be opened.");
  const std::string head = "[ERROR] 2026-02-03-10:00:07 (PID:5120, Device:1, ";
  EXPECT_EQ(JudgeLog(raised + head + "RankID:3) ERR02200 DIST call failed.\n").culprits, std::vector<int32_t>{3});
  EXPECT_TRUE(JudgeLog(raised + head + "RankID:-1) ERR00100 PTA call failed.\n").culprits.empty());
  EXPECT_TRUE(JudgeLog(raised + "[ERROR] rank 3 waits\n").culprits.empty());
}

TEST(Judge, BlamesTheRankThatALineNamesWhichSaysAlike) {
  const std::string first = "[ERROR] HCCL(5120,python):[op_base.cc:97][Init]errNo[0x5]HcclCommInitRootInfo failed.\n";
  auto of = [](int rank) {
    return "[error] [hccl_runner.cpp:13] HcclCommInitRootInfo fail, error:2, rank:" + std::to_string(rank) +
           ", rankSize:4\n";
  };
  EXPECT_EQ(JudgeLog(first + of(2)).culprits, std::vector<int32_t>{2});
  EXPECT_TRUE(JudgeLog(first + of(2) + of(3)).culprits.empty());
}

TEST(Judge, KnowsTheSignalThatOpenMpiSaysAProcessReceived) {
  const std::string received = "[1,3]<stderr>:[node-2:00121] *** Process received signal ***\n[1,3]<stderr>:";
  const Verdict bus = JudgeLog(received + "[node-2:00121] Signal: Bus error (7)\n");
  EXPECT_EQ(bus.failure, "segfault_sigsegv");
  EXPECT_EQ(bus.kind, "SIGBUS");
  EXPECT_EQ(bus.culprits, std::vector<int32_t>{3});
  EXPECT_EQ(JudgeLog(received + "[node-2:00121] Signal: Aborted (6)\n").kind, "SIGABRT");
}

TEST(Judge, KnowsWhatTensorRtLlmQuotesOfNccl) {
  const std::string prefix = "[02/03/2026-10:00:07] [TRT-LLM] [RANK 2] [E] ";
  const Verdict verdict =
      JudgeLog(prefix +
               "Failed to initialize executor on rank 2: NCCL error ncclCommunicator.cpp:90 'invalid usage (run with "
               "NCCL_DEBUG=WARN for details)'\n");
  EXPECT_EQ(verdict.failure, "config_error");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{2});
  EXPECT_TRUE(JudgeLog(Steps(1, 4) + "NCCL error handling is on; invalid usages are reported\n").healthy);
}

TEST(Judge, KnowsThatAscendsCollectiveTimedOut) {
  const std::string raised = Traceback("/app/loop.py", "RuntimeError: ACL stream synchronize failed.");
  EXPECT_EQ(JudgeLog(raised + "EI9999: hccl aicpu task timeout occurred during task execution, stream_id:4\n").failure,
            "nccl_timeout");
  EXPECT_EQ(JudgeLog(raised + "EI9999: aicpu task error occurred, stream_id:4\n").failure, "python_exception_one_rank");
}

TEST(Judge, TakesAServerOfOnesOwnForNoHub) {
  auto judge = [](const std::string& host) {
    return JudgeLog(Traceback("/app/rollout.py", "requests.exceptions.ConnectionError: HTTPConnectionPool(host='" +
                                                     host + "', port=8000): Max retries exceeded with url: /health/"));
  };
  for (const char* host : {"10.0.0.4", "localhost", "vllm-0", "vllm.jobs.svc", "::1"})
    EXPECT_EQ(judge(host).failure, "python_exception_one_rank") << host;
  for (const char* host : {"models.example.com", "hub.example.cn", "10.example.co"})
    EXPECT_EQ(judge(host).failure, "hub_auth_or_download_error") << host;
}

}  // namespace
}  // namespace rankscope::diagnose
