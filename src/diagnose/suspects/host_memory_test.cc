#include "diagnose/suspects/host_memory.h"

#include <gtest/gtest.h>

#include "diagnose/case/record_case.h"
#include "diagnose/signatures/signature_set.h"
#include "diagnose/testing/judged_files.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {
namespace {

std::string HostSample(int minute, int node, double available, double cgroup, int kills) {
  char text[320];
  std::snprintf(text, sizeof text,
                R"({"timestamp":"2026-04-01T00:%02d:00Z","node_rank":%d,"host":"n%d","stream":"host",)"
                R"("memory_total_gib":64.0,"memory_available_gib":%.1f,"cgroup_memory_gib":%.1f,)"
                R"("cgroup_memory_limit_gib":48.0,"cgroup_oom_kills":%d})",
                minute, node, node, available, cgroup, kills);
  return text;
}

TEST(HostMemory, OfTheNodeWhoseRankWasKilledIsTold) {
  RecordCase records("job j", TellingLines());
  records.Add(R"({"node_rank":1,"host":"n1","stream":"host","memory_available_gib":null})");  // it could not be read
  for (int minute = 0; minute < 10; ++minute) {
    records.Add(HostSample(minute, 0, 60, 2, 0));
    records.Add(HostSample(minute, 1, 50 - 5 * minute, 10 + 4.2 * minute, minute == 9 ? 1 : 0));
    records.Add(R"({"timestamp":"2026-04-01T00:0)" + std::to_string(minute) +
                R"(:30Z","node_rank":1,"rank":4,"stream":"metric","loss":2,"step":)" + std::to_string(minute) + "}");
  }
  records.Add(R"({"timestamp":"2026-04-01T00:10:00Z","node_rank":1,"rank":4,"stream":"event","level":"error",)"
              R"("msg":"rank 4: SIGKILL, by the kernel: Out of memory: Killed process 77"})");
  Case read = records.End();
  Verdict verdict = Diagnose(read, {});
  ASSERT_EQ(verdict.failure, "host_oom_killed");
  ASSERT_GE(verdict.figures.size(), 3u);
  EXPECT_EQ(verdict.figures[0],
            "host n1 had 50.0 of 64.0 GiB of memory available at first, 5.0 at least at 2026-04-01T00:09:00Z");
  EXPECT_EQ(verdict.figures[1], "its control group held 47.8 GiB of the 48.0 that it may have at 2026-04-01T00:09:00Z");
  EXPECT_EQ(verdict.figures[2], "the kernel counted 1 OOM kills there");
}

TEST(HostMemory, WhatTheTrainingPrintedOfItIsToldWithoutSamples) {
  std::string log;
  for (int step = 1; step <= 20; ++step)
    log += "step " + std::to_string(step) + " loss 2.5 lr 1e-05 rss " + std::to_string(20 + 2 * step) + ".5GB\n";
  log += "slurmstepd: error: Detected 1 oom_kill event in StepId=9.0. Some of the step tasks have been OOM Killed.\n";
  const Verdict verdict = JudgeLog(log);
  EXPECT_EQ(verdict.failure, "host_oom_killed");
  ASSERT_FALSE(verdict.figures.empty());
  EXPECT_EQ(verdict.figures.front(), "rss went from 22.5 to 60.5GB in 20 reports, steadily");
}

}  // namespace
}  // namespace rankscope::diagnose
