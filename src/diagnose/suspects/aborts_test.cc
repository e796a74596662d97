#include "diagnose/testing/gloo_words.h"
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

std::string Row(int rank, const std::string& code) {
  const std::string number = std::to_string(rank);
  return "  rank      : " + number + " (local_rank: " + number + ")\n  exitcode  : " + code + "\n";
}

TEST(Aborts, OfWhoSawAPeerGoIsNotItsOwn) {
  const std::string aborted = "-6 (pid: 82)\n  error_file: <N/A>\n  traceback : Signal 6 (SIGABRT) received by PID 82";
  const std::string ending = "terminate called without an active exception\n";
  const std::string exited = "failed (exitcode: 7) local_rank: 1 (pid: 81) of binary: py\n";
  const Verdict seen = Judge({{"rank_0.log", Steps(1, 4) + Closed(0)},
                              {"rank_1.log", Steps(1, 4)},
                              {"rank_2.log", Steps(1, 4) + Closed(2) + ending},
                              {"launcher.log", exited + Row(2, aborted) + Row(1, "7 (pid: 81)")}});
  EXPECT_EQ(seen.failure, "python_exception_one_rank");
  EXPECT_EQ(seen.culprits, std::vector<int32_t>{1});
  const Verdict own = Judge({{"rank_0.log", Steps(1, 4) + Closed(0)},
                             {"rank_1.log", Steps(1, 4) + Closed(1)},
                             {"rank_2.log", Steps(1, 4) + ending},
                             {"launcher.log", Row(2, aborted)}});
  EXPECT_EQ(own.failure, "segfault_sigsegv");
  EXPECT_EQ(own.culprits, std::vector<int32_t>{2});
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
