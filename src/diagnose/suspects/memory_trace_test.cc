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

const std::string kOutOfMemory =
    Traceback("/app/model.py", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 9.02 GiB.");

// What two ranks print of 20 steps, each before its report; rank 1 then prints `last` and has no memory left.
Verdict RunOutAfter(const std::function<std::string(int rank, int step)>& batch, const std::string& last) {
  Files files;
  for (int rank = 0; rank < 2; ++rank) {
    std::string text;
    for (int step = 1; step <= 20; ++step) {
      text += batch(rank, step) + "\nstep " + std::to_string(step) + " loss 2.5\n";
    }
    files.emplace_back("rank_" + std::to_string(rank) + ".log", rank == 1 ? text + last + kOutOfMemory : text);
  }
  return Judge(files);
}

TEST(MemoryTrace, TellsTheSampleOfThePrintedListWhoseLengthIsExtreme) {
  auto batch = [](int, int) { return "batch ids [3, 4, 5] lengths [610, 702, 598]"; };
  Verdict verdict = RunOutAfter(batch, "batch ids [60, 61, 62] lengths [640, 31744, 547]\n");
  EXPECT_EQ(verdict.kind, "one extreme sample");
  EXPECT_TRUE(Tells(verdict, "the batch in flight: samples 60, 61, 62"));
  EXPECT_TRUE(Tells(verdict,
                    "the batch in flight: lengths [640, 31744, 547], the longest 31744 of sample 61, "
                    "45.22 times the usual size"));
}

TEST(MemoryTrace, TheNumbersOfSamplesAreNoSizes) {
  auto batch = [](int, int step) {
    return "batch indices [" + std::to_string(1000 * step) + ", " + std::to_string(1000 * step + 1) + "]";
  };
  EXPECT_EQ(RunOutAfter(batch, "batch indices [90000, 90001]\n").kind, "allocation");
}

TEST(MemoryTrace, WhatWasPrintedBeforeTheLastReportIsNotInFlight) {
  auto batch = [](int rank, int step) {
    return "input_ids shape torch.Size([4, " + std::string(rank == 1 && step == 15 ? "90000" : "2048") + "])";
  };
  Verdict verdict = RunOutAfter(batch, "input_ids shape torch.Size([4, 2050])\n");
  EXPECT_EQ(verdict.kind, "allocation");
  EXPECT_TRUE(Tells(verdict, "the batch in flight: input_ids shape [4, 2050], 1.00 times the usual size"));
}

TEST(MemoryTrace, MoreSamplesOfTheSameLengthAreALargerBatch) {
  auto batch = [](int, int) { return "input_ids shape torch.Size([4, 2048])"; };
  EXPECT_EQ(RunOutAfter(batch, "input_ids shape torch.Size([32, 2048])\n").kind, "batch size too large");
  EXPECT_EQ(RunOutAfter(batch, "input_ids shape torch.Size([4, 32768])\n").kind, "one extreme sample");
  auto tokens = [](int, int) { return "batch: max_len=512 total_tokens=16384"; };
  EXPECT_EQ(RunOutAfter(tokens, "batch: max_len=512 total_tokens=65536\n").kind, "batch size too large");
}

TEST(MemoryTrace, AFileThatTheRunHasWrittenIsNotTheSamples) {
  auto nothing = [](int, int) { return std::string(); };
  const std::string read = "decoding /data/part-00031.tar\n", wrote = "Configuration saved in /ckpt/config.json\n";
  EXPECT_TRUE(Tells(RunOutAfter(nothing, read + wrote), "the file named beside it: /data/part-00031.tar"));
  for (const std::string& figure : RunOutAfter(nothing, wrote).figures) {
    EXPECT_EQ(figure.find("named beside it"), std::string::npos) << figure;
  }
}

TEST(MemoryTrace, LevelMemoryThatRunsOutOnceOnOneRankIsOneExtremeSamples) {
  Verdict verdict = RunOut([](int, int step) { return Gib(41 + 0.1 * (step % 5)); }, kRoom);
  EXPECT_EQ(verdict.kind, "one extreme sample");
  EXPECT_TRUE(Tells(verdict, "memory went from 41.10 to 41.00 GiB in 80 reports, level until it ran out once"));
  ASSERT_FALSE(verdict.would_settle.empty());
  EXPECT_NE(verdict.would_settle.front().find("which sample"), std::string::npos);
  EXPECT_EQ(RunOut([](int, int step) { return Gib(41 + step % 20); }, kRoom).kind, "allocation");
}

TEST(MemoryTrace, AnEvaluationThatRunsOutIsNoSamplesFault) {
  std::string text;
  for (int step = 1; step <= 20; ++step) text += "step " + std::to_string(step) + " loss 2.5 " + Gib(41) + "\n";
  text +=
      "Traceback (most recent call last):\n  File \"/app/t.py\", line 9, in <module>\n    main()\n  File "
      "\"/app/t.py\", line 7, in evaluate\n    logits = torch.cat(kept)\n";
  Verdict verdict = JudgeLog(text + "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 9.02 GiB.\n");
  EXPECT_EQ(verdict.kind, "evaluation");
  ASSERT_FALSE(verdict.advice.empty());
  EXPECT_NE(verdict.advice.front().text.find("eval_accumulation_steps"), std::string::npos);
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

TEST(MemoryTrace, ALeakIsToldFromWhatTheTrainingPrintsOfItsMemoryByAnyName) {
  const std::string oom =
      Traceback("/app/t.py", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.");
  for (const auto& [before, behind] :
       {std::pair("mem_alloc ", " GiB"), std::pair("gpu_mem=", "GB"), std::pair("VRAM: ", "/80 GB")}) {
    std::string grows, stays;
    for (int step = 1; step <= 12; ++step) {
      const std::string report = "step " + std::to_string(step) + "/900 loss 2.5 ";
      grows += report + before + std::to_string(30 + 3 * step) + behind + "\n";
      stays += report + before + std::to_string(60 + step % 2) + behind + "\n";
    }
    EXPECT_EQ(JudgeLog(grows + oom).kind, "leak") << before;
    EXPECT_NE(JudgeLog(stays + oom).kind, "leak") << before;
  }
}

}  // namespace
}  // namespace rankscope::diagnose
