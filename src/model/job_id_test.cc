#include "model/job_id.h"

#include <gtest/gtest.h>

namespace rankscope::model {
namespace {

TEST(JobId, IsALineOfText) {
  for (std::string_view id : {"j", "llama-7b 2026/11", "训练任务", "a\"b\\c%20"}) {
    EXPECT_TRUE(CheckJobId(id).ok()) << id;
  }
  EXPECT_TRUE(CheckJobId(std::string(kMostJobIdBytes, 'j')).ok());
}

TEST(JobId, ThatSteersTerminalsOrPadsTablesIsRefused) {
  using std::string_view_literals::operator""sv;
  for (std::string_view id : {""sv, "a\nb"sv, "\x1b[31mred"sv, "a\0b"sv, "a\xc2\x9b"sv, "bad \xff byte"sv}) {
    EXPECT_EQ(CheckJobId(id).code(), base::Code::kInvalid) << id;
  }
  base::Status status = CheckJobId(std::string(5000, 'j'));
  EXPECT_NE(status.message().find("1 to 200 bytes"), std::string::npos) << status.message();
  EXPECT_LT(status.message().size(), 200u);
  EXPECT_EQ(CheckJobId("a\x1b[b").message().find('\x1b'), std::string::npos);
}

TEST(JobId, OfALaunchIsOneWhateverItsName) {
  EXPECT_EQ(JobIdFrom("slurm-7"), "slurm-7");
  std::string made = JobIdFrom("a\nb" + std::string(1000, 'x'));
  EXPECT_TRUE(CheckJobId(made + "-2").ok()) << made;
}

}  // namespace
}  // namespace rankscope::model
