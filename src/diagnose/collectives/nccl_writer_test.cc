#include <gtest/gtest.h>

#include "diagnose/testing/judged_files.h"

namespace rankscope::diagnose {
namespace {

constexpr char kFailed[] = "gpu4:72:95 [1] transport/nvls.cc:246 NCCL WARN Cuda failure 3 'initialization error'\n";

std::optional<int32_t> CulpritOf(const std::string& log) {
  Verdict verdict = JudgeLog(log);
  EXPECT_EQ(verdict.failure, "nccl_cuda_error");
  return verdict.culprit ? verdict.culprit->rank : std::nullopt;
}

TEST(NcclWriter, IsTheRankOfItsCommunicator) {
  EXPECT_EQ(CulpritOf(std::string("gpu4:72:95 [1] NCCL INFO comm 0x5a rank 9 nranks 16 cudaDev 1 - Init START\n"
                                  "gpu4:72:95 [1] NCCL INFO comm 0x6b rank 1 nranks 2 cudaDev 1 - Init START\n") +
                      kFailed),
            9);
}

TEST(NcclWriter, IsItsDeviceWhereThereIsOneHost) {
  EXPECT_EQ(CulpritOf(std::string("gpu4:71:94 [0] NCCL INFO Bootstrap : Using eth0\n") + kFailed), 1);
  EXPECT_EQ(CulpritOf(std::string("gpu5:71:94 [0] NCCL INFO Bootstrap : Using eth0\n") + kFailed), std::nullopt);
  EXPECT_EQ(CulpritOf(std::string("gpu4:71:94 [1] NCCL INFO Bootstrap : Using eth0\n") + kFailed), std::nullopt);
}

TEST(NcclWriter, IsToldOfWhateverEndsItButOfItsPeers) {
  const std::string other = "gpu4:71:94 [0] NCCL INFO Bootstrap : Using eth0\n";
  Verdict full = JudgeLog(other + "gpu4:72:95 [1] include/alloc.h:178 NCCL WARN Cuda failure 'out of memory'\n");
  EXPECT_EQ(full.failure, "cuda_oom");
  EXPECT_EQ(full.culprits, std::vector<int32_t>{1});
  Verdict unreached = JudgeLog(other +
                               "gpu4:72:95 [1] misc/socket.cc:483 NCCL WARN socketStartConnect: Connect to "
                               "10.0.0.9<17943> failed : No route to host\n");
  EXPECT_EQ(unreached.failure, "nccl_system_error");
  EXPECT_TRUE(unreached.culprits.empty());
}

}  // namespace
}  // namespace rankscope::diagnose
