#include "diagnose/verdict/verdict_json.h"

#include <gtest/gtest.h>

namespace rankscope::diagnose {
namespace {

TEST(VerdictJsonTest, IsReadBackAsItWasWritten) {
  Verdict verdict;
  verdict.failure = "cuda_oom";
  verdict.kind = "one_extreme_sample";
  verdict.confidence = 0.9;
  verdict.healthy = false;
  verdict.summary = "rank 3 ran out of GPU memory";
  verdict.culprit = Culprit{{}, 3, 1198};
  verdict.culprits = {3, 5};
  verdict.root_line = "CUDA out of memory";
  verdict.evidence = {{"CUDA out of memory", "root", 1'700'000'000'000'000'000, 3, "rank3.log", 17},
                      {"x", "context", {}, {}, "", 0}};
  verdict.timeline = {{{}, 3, 1198, "ran out of memory"}};
  verdict.alternatives = {{"nccl_timeout", 0.2, "it came later"}};
  verdict.why_not = {"not the network"};
  verdict.figures = {"4.2 GiB"};
  verdict.restart = {"go on from 1000"};
  verdict.advice = {{"smaller images", "docs/failures/cuda_oom.md"}};
  verdict.similar = {{"i-1", "j-1", "cuda_oom", 0.75}, {"", "j-2", "cuda_oom", 0.5}};
  verdict.would_settle = {"the other ranks' logs"};
  auto read = VerdictFromJson(ToJson(verdict));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(ToJson(*read), ToJson(verdict));
}

TEST(VerdictJsonTest, WhatIsNoVerdictIsRefused) {
  for (const char* text : {"", "[]", "{}", R"({"class": 3})"}) {
    EXPECT_EQ(VerdictFromJson(text).status().code(), base::Code::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace rankscope::diagnose
