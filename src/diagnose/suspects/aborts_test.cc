#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const std::string kAborted =
    "Fatal Python error: Aborted\n\nThread 0x00007f1111111700 (most recent call first):\n"
    "  File \"/app/net.py\", line 60 in init\n  File \"/app/train.py\", line 16 in <module>\n";

TEST(Aborts, OfWhatGlooThrewSayLessThanItsWords) {
  Verdict verdict = JudgeLog(
      "terminate called after throwing an instance of 'gloo::IoException'\n"
      "  what():  [/build/gloo/transport/tcp/pair.cc:572] Connection closed by peer [10.0.0.7]:4711\n" +
      kAborted);
  EXPECT_EQ(verdict.failure, "gloo_error");
  EXPECT_NE(verdict.root_line.find("closed by peer"), std::string::npos) << verdict.root_line;
}

TEST(Aborts, OfProcessesWhoseLauncherNamesTheSignalAreGloos) {
  const std::string aborted =
      "mpirun noticed that process rank 1 with PID 290 on node n7 exited on signal 6 (Aborted).\n";
  Verdict verdict = JudgeLog(
      "terminate called after throwing an instance of 'gloo::EnforceNotMet'\n"
      "  what():  [enforce fail at /build/gloo/transport/tcp/pair.cc:611] optval == 0. 111 vs 0. SO_ERROR: "
      "Connection refused\n" +
      aborted);
  EXPECT_EQ(verdict.failure, "gloo_error");
  EXPECT_EQ(JudgeLog("step 1\n" + aborted).failure, "segfault_sigsegv");
}

TEST(Aborts, StacksThatAFatalSignalLeftAreNoHang) {
  EXPECT_EQ(JudgeLog(kAborted).failure, "segfault_sigsegv");
  std::string dump = kAborted.substr(kAborted.find("Thread"));
  EXPECT_EQ(JudgeLog(dump).failure, "process_hung");
}

const std::string kWatchdog =
    "  what():  [Rank 0] Watchdog caught collective operation timeout: WorkNCCL(OpType=ALLREDUCE, "
    "Timeout(ms)=1800000) ran for 1800213 milliseconds before timing out.\n";
const std::string kUnhandled =
    Traceback("/venv/torch/autograd/__init__.py",
              "RuntimeError: NCCL error in: /build/NCCLUtils.hpp:181, unhandled cuda error, NCCL version 2.10.3");

TEST(Aborts, WhatNcclMeetsAfterTheWatchdogTookItDownIsNoCause) {
  EXPECT_EQ(JudgeLog(kWatchdog + kUnhandled).failure, "nccl_timeout");
  EXPECT_EQ(JudgeLog(kUnhandled + kWatchdog).failure, "nccl_cuda_error");
}

TEST(Aborts, KernelsLaunchersMadeOfStringsAreTritons) {
  const std::string raised = "KeyError: ('2-.-0-5ef8', (torch.float16, 'i32'), ('none', True, 64))\n";
  auto from = [&](const std::string& function) {
    return JudgeLog("Traceback (most recent call last):\n  File \"<string>\", line 21, in " + function + "\n" + raised);
  };
  EXPECT_EQ(from("_bwd_kernel").failure, "triton_or_kernel_compile_error");
  EXPECT_EQ(from("<module>").failure, "python_exception_one_rank");
}

}  // namespace
}  // namespace rankscope::diagnose
