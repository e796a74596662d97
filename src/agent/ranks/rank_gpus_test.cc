#include "agent/ranks/rank_gpus.h"

#include <gtest/gtest.h>

namespace rankscope::agent {
namespace {

const std::vector<std::string> kNode = {"GPU-aaaa1", "GPU-bbbb2", "GPU-cccc3", "GPU-dddd4"};

TEST(GpuOf, IsTheVisibleDeviceAtTheLocalRank) {
  EXPECT_EQ(GpuOf(std::nullopt, 2, kNode), "GPU-cccc3");
  EXPECT_EQ(GpuOf("3,1", 0, kNode), "GPU-dddd4");
  EXPECT_EQ(GpuOf("3,1", 1, kNode), "GPU-bbbb2");
  EXPECT_EQ(GpuOf("2", 7, kNode), "GPU-cccc3") << "a launcher that shows each rank its own device";
}

TEST(GpuOf, UnderstandsUuidsAndTheirBeginnings) {
  const std::string whole = "GPU-01234567-89ab-cdef-0123-456789abcdef";
  EXPECT_EQ(GpuOf(whole, 0, {}), whole);
  EXPECT_EQ(GpuOf("GPU-b", 0, kNode), "GPU-bbbb2");
  EXPECT_EQ(GpuOf("GPU-c,GPU-a", 1, kNode), "GPU-aaaa1");
  EXPECT_EQ(GpuOf("MIG-5f", 0, {}), "MIG-5f");
}

TEST(GpuOf, NeverGuesses) {
  for (const char* visible : {"", "-1", "9", "none", "GPU-x", "0,1"})
    EXPECT_EQ(GpuOf(visible, 5, kNode), "") << visible;
  EXPECT_EQ(GpuOf(std::nullopt, 4, kNode), "");
}

TEST(RankGpus, TellsARanksGpuOnceTheDevicesAreKnown) {
  model::Record start;
  start.origin.rank = 5;
  start.origin.local_rank = 1;
  start.stream = model::Stream::kEvent;
  start.fields = {{"event", std::string("rank_start")}};
  RankGpus gpus;
  std::vector<model::Record> records = {start};
  gpus.Complete({}, &records);
  ASSERT_EQ(records.size(), 1u);
  records.clear();
  gpus.Complete(kNode, &records);
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].origin.rank, 5);
  EXPECT_EQ(*model::FindField(records[0].fields, "gpu_uuid"), model::FieldValue(std::string("GPU-bbbb2")));
  gpus.Complete(kNode, &records);
  EXPECT_EQ(records.size(), 1u);
}

}  // namespace
}  // namespace rankscope::agent
