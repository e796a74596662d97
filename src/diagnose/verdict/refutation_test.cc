#include "diagnose/verdict/refutation.h"

#include <gtest/gtest.h>

#include "diagnose/case/record_case.h"
#include "diagnose/signatures/signature_set.h"
#include "diagnose/verdict/verdict.h"

namespace rankscope::diagnose {
namespace {

// Of a job in which one of two ranks raised an exception after step 9.
class RefutationTest : public testing::Test {
 protected:
  std::vector<std::string> WhyNot(const std::vector<std::string>& samples) {
    for (int step = 1; step < 10; ++step) {
      for (int rank = 0; rank < 2; ++rank) {
        records_.Add(R"({"timestamp":"2026-04-01T00:00:0)" + std::to_string(step) + R"(Z","stream":"metric","rank":)" +
                     std::to_string(rank) + R"(,"loss":2,"step":)" + std::to_string(step) + "}");
      }
    }
    records_.Add(R"({"timestamp":"2026-04-01T00:00:30Z","stream":"stderr","rank":1,)"
                 R"("msg":"Traceback (most recent call last):\n  File \"t.py\", line 3, in f\nKeyError: 'pixels'"})");
    for (const std::string& sample : samples) records_.Add(sample);
    read_ = records_.End();
    Verdict verdict = Diagnose(read_, {});
    EXPECT_EQ(verdict.failure, "python_exception_one_rank");
    return verdict.why_not;
  }

  RecordCase records_{"job j", TellingLines()};
  Case read_;
};

TEST_F(RefutationTest, WithoutSamplesNothingIsClaimedOfThem) {
  EXPECT_EQ(WhyNot({}), (std::vector<std::string>{
                            "not the network: no rank reports a transport error of its own, all ranks came to step 9",
                            "not the hardware: no Xid, ECC or throttling line",
                            "not memory: no allocation failed and no OOM kill is reported",
                            "not the storage: no file system error"}));
}

TEST_F(RefutationTest, WhatWasMeasuredIsTold) {
  auto port = [](int errors) {
    return R"({"stream":"host","host":"n0","device":"mlx5_0","port":"1","symbol_error":)" + std::to_string(errors) +
           "}";
  };
  auto why = WhyNot({port(3), port(3), R"({"stream":"host","memory_available_gib":40.2,"disk_free_gib":812.0})",
                     R"({"stream":"gpu","gpu_uuid":"GPU-1","sm_clock_mhz":1980,"ecc_uncorrected":0})"});
  EXPECT_EQ(why, (std::vector<std::string>{
                     "not the network: no rank reports a transport error of its own, the error counters of 1 port "
                     "stayed flat, all ranks came to step 9",
                     "not the hardware: no Xid, ECC or throttling line, and none of 1 sampled GPU throttled itself",
                     "not memory: no allocation failed and no OOM kill is reported, and the hosts had 40 GiB available "
                     "at least",
                     "not the storage: no file system error, and the nodes' disks had 812 GiB free at least"}));
}

TEST_F(RefutationTest, ANetworkWhoseCountersRoseIsNotRefuted) {
  std::vector<std::string> samples;
  for (int time = 0; time < 3; ++time) {
    for (int port = 0; port < 4; ++port) {
      samples.push_back(R"({"switch":"leaf","port":)" + std::to_string(port) + R"(,"symbol_errors":)" +
                        std::to_string(port == 2 ? 5000 * time : time) + "}");
    }
  }
  for (const std::string& why : WhyNot(samples)) EXPECT_EQ(why.find("not the network"), std::string::npos) << why;
}

}  // namespace
}  // namespace rankscope::diagnose
