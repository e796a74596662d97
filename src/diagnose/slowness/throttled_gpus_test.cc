#include "diagnose/slowness/throttled_gpus.h"

#include <gtest/gtest.h>

#include "diagnose/case/record_case.h"
#include "diagnose/signatures/signature_set.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {
namespace {

struct GpuSample {
  const char* reasons = "";
  int clock = 1980, temperature = 62, power_limit = 700;
};

// Records of ranks in lockstep, four a node, and of their GPUs.
class ThrottledGpusTest : public testing::Test {
 protected:
  static std::string Head(int minute, int node) {
    char text[160];
    std::snprintf(text, sizeof text,
                  R"({"timestamp":"2026-04-01T%02d:%02d:00Z","job_id":"j","host":"n%d","node_rank":%d)", minute / 60,
                  minute % 60, node, node);
    return text;
  }
  void Report(int rank, int minute, double speed) {
    records_.Add(Head(minute, rank / 4) + R"(,"rank":)" + std::to_string(rank) + R"(,"local_rank":)" +
                 std::to_string(rank % 4) + R"(,"stream":"metric","step":)" + std::to_string(minute * 10) +
                 R"(,"loss":2.0,"throughput_tokens_per_sec":)" + std::to_string(speed) + "}");
  }
  void Sample(int gpu, int minute, const GpuSample& of) {
    std::string reasons = *of.reasons ? R"(,"throttle_reasons":")" + std::string(of.reasons) + "\"" : "";
    records_.Add(Head(minute, gpu / 4) + R"(,"stream":"gpu","gpu_index":)" + std::to_string(gpu % 4) +
                 R"(,"gpu_uuid":"GPU-)" + std::to_string(gpu) + R"(","temperature_c":)" +
                 std::to_string(of.temperature) + R"(,"power_limit_w":)" + std::to_string(of.power_limit) +
                 R"(,"sm_clock_mhz":)" + std::to_string(of.clock) + reasons + "}");
  }
  // An hour in which all ranks slow together after 25 minutes; rank 5's GPU is `odd` since minute 22.
  Verdict Judge(const GpuSample& odd, int ranks = 8, double late_speed = 40'000) {
    for (int minute = 0; minute < 60; ++minute) {
      for (int rank = 0; rank < ranks; ++rank) Report(rank, minute, minute < 25 ? 80'000 : late_speed);
      for (int gpu = 0; gpu < 8; ++gpu) Sample(gpu, minute, gpu == 5 && minute >= 22 ? odd : GpuSample());
    }
    read_ = records_.End();
    return Diagnose(read_, {});
  }

  RecordCase records_{"job j", TellingLines()};
  Case read_;
};

constexpr GpuSample kHot = {"hw_thermal_slowdown,sw_power_cap", 960, 91};

TEST_F(ThrottledGpusTest, TheRankWhoseGpuThrottledSlowedThemAll) {
  Verdict verdict = Judge(kHot);
  EXPECT_EQ(verdict.failure, "thermal_or_power_throttle");
  EXPECT_EQ(verdict.kind, "thermal");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{5});
  ASSERT_TRUE(verdict.culprit);
  EXPECT_EQ(verdict.culprit->node_rank, 1);
  ASSERT_GE(verdict.figures.size(), 2u);
  EXPECT_EQ(verdict.figures[1],
            "GPU 1 of n1 (rank 5) throttles itself (hw_thermal_slowdown,sw_power_cap) since 2026-04-01T00:22:00Z: "
            "960 MHz instead of 1980, 91 °C (the others 62)");
  EXPECT_NE(verdict.root_line.find("\"GPU-5\""), std::string::npos);
  EXPECT_EQ(verdict.restart.back(), "leave out node 1, that of rank 5");
}

TEST_F(ThrottledGpusTest, OneRanksReportsAreEnough) {
  Verdict verdict = Judge(kHot, 1);
  EXPECT_EQ(verdict.failure, "thermal_or_power_throttle");
  EXPECT_FALSE(verdict.culprit) << "no line tells which rank has GPU 1 of n1";
  EXPECT_EQ(verdict.would_settle, std::vector<std::string>{"which rank has GPU 1 of n1"});
}

TEST_F(ThrottledGpusTest, AgentsTellWhichRankHasTheGpu) {
  records_.Add(R"({"timestamp":"2026-04-01T00:00:00Z","node_rank":1,"rank":5,"stream":"event","event":"rank_gpu",)"
               R"("msg":"rank 5 has GPU-5"})");
  EXPECT_EQ(Judge(kHot, 1).culprits, std::vector<int32_t>{5});
}

TEST_F(ThrottledGpusTest, APowerCapAtFullLoadIsNone) {
  EXPECT_EQ(Judge({"sw_power_cap", 1700, 70}).failure, "throughput_decay");
}

TEST_F(ThrottledGpusTest, APowerCapBelowThatOfTheOthersIsOne) {
  Verdict verdict = Judge({"sw_power_cap", 1100, 55, 350});
  EXPECT_EQ(verdict.failure, "thermal_or_power_throttle");
  EXPECT_EQ(verdict.kind, "power");
  EXPECT_EQ(verdict.culprits, std::vector<int32_t>{5});
}

TEST_F(ThrottledGpusTest, AThrottledGpuOfAFastJobIsNoFailure) { EXPECT_TRUE(Judge(kHot, 8, 80'000).healthy); }

TEST_F(ThrottledGpusTest, AJobThatEndsWithPowerCapsIsHealthy) {
  for (int minute = 0; minute < 30; ++minute) {
    for (int rank = 0; rank < 4; ++rank) Report(rank, minute, 80'000);
  }
  for (int gpu = 0; gpu < 4; ++gpu) Sample(gpu, 30, {"sw_power_cap", 1900});
  read_ = records_.End();
  EXPECT_TRUE(Diagnose(read_, {}).healthy);
}

}  // namespace
}  // namespace rankscope::diagnose
