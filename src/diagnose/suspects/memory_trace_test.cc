#include "diagnose/suspects/memory_trace.h"

#include <gtest/gtest.h>

#include <functional>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

const char* const kRoom = "GPU 1 has a total capacity of 79.11 GiB of which 0.40 GiB is free. ";

std::string OutOfMemory(const std::string& report) {
  return Traceback("/app/model.py",
                   "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. " + report);
}

// What four ranks print of 80 steps, each into a file of its own; rank 1 then has no memory left.
Verdict RunOut(const std::function<std::string(int rank, int step)>& held, const std::string& report) {
  Files files;
  for (int rank = 0; rank < 4; ++rank) {
    std::string text;
    for (int step = 1; step <= 80; ++step) {
      text += "step " + std::to_string(step) + " loss 2.5 " + held(rank, step) + "\n";
    }
    files.emplace_back("rank_" + std::to_string(rank) + ".log", rank == 1 ? text + OutOfMemory(report) : text);
  }
  return Judge(files);
}

std::string Gib(double value) { return "gpu_memory_gib " + std::to_string(value); }

bool Tells(const Verdict& verdict, const std::string& figure) {
  return std::count(verdict.figures.begin(), verdict.figures.end(), figure) == 1;
}

TEST(MemoryTrace, NamesALeakThatAllPeersDoNotHave) {
  Verdict verdict = RunOut([](int rank, int step) { return Gib(rank == 1 ? 40 + 0.4 * step : 40); }, kRoom);
  EXPECT_EQ(verdict.kind, "leak");
  EXPECT_TRUE(Tells(verdict, "memory went from 40.40 to 72.00 GiB in 80 reports, steadily"));
  EXPECT_TRUE(Tells(verdict, "that of 3 other ranks from 40.00 to 40.00 GiB"));
  ASSERT_FALSE(verdict.advice.empty());
  EXPECT_NE(verdict.advice.front().text.find("holds on to tensors"), std::string::npos);
}

TEST(MemoryTrace, NamesALeakInStepsByTheShareOfTheDevice) {
  auto held = [](int rank, int step) {
    return "gpu_memory_usage " + std::to_string(rank == 1 ? 50 + 12 * (step / 20) : 50);
  };
  Verdict verdict = RunOut(held, kRoom);
  EXPECT_EQ(verdict.kind, "leak");
  EXPECT_TRUE(Tells(verdict, "memory went from 50.00 to 98.00 % in 80 reports, in steps"));
}

TEST(MemoryTrace, AdvisesFirstWhatHelpsAgainstFragmentation) {
  Verdict verdict = RunOut([](int, int step) { return Gib(60 + step % 7); },
                           std::string(kRoom) +
                               "Including non-PyTorch memory, this process has 78.50 GiB memory in use. "
                               "Of the allocated memory 55.00 GiB is allocated by PyTorch, and 22.80 GiB "
                               "is reserved by PyTorch but unallocated.");
  EXPECT_EQ(verdict.kind, "fragmentation");
  ASSERT_GE(verdict.advice.size(), 2U);
  EXPECT_NE(verdict.advice[0].text.find("expandable_segments"), std::string::npos);
  EXPECT_EQ(verdict.advice[1].text.find("expandable_segments"), std::string::npos);
}

TEST(MemoryTrace, TheModelIsTooLargeWhereItIsBeingLoaded) {
  const std::string oom = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB.";
  const std::string loads =
      "Traceback (most recent call last):\n  File \"/app/t.py\", line 3, in <module>\n    main()\n  File "
      "\"/env/transformers/modeling_utils.py\", line 311, in from_pretrained\n    return inner()\n";
  EXPECT_EQ(JudgeLog(loads + oom + "\n").kind, "model too large");
  EXPECT_EQ(JudgeLog("Loading checkpoint shards:  42%|####      | 3/7 [00:03<00:04,  1.02s/it]" + oom + "\n").kind,
            "model too large");
  EXPECT_EQ(JudgeLog(Traceback("/app/model.py", oom)).kind, "batch size too large");
  EXPECT_NE(JudgeLog(Steps(1, 9) + loads + oom + "\n").kind, "model too large");
}

}  // namespace
}  // namespace rankscope::diagnose
