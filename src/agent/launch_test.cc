#include "agent/launch.h"

#include <gtest/gtest.h>

#include <map>

namespace rankscope::agent {
namespace {

Environment From(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const char* name) -> const char* {
    auto found = values.find(name);
    return found == values.end() ? nullptr : found->second.c_str();
  };
}

TEST(Identity, RankCountsOnlyBesideALocalRank) {
  Identity worker = IdentityFrom(From({{"RANK", "9"},
                                       {"LOCAL_RANK", "1"},
                                       {"WORLD_SIZE", "16"},
                                       {"GROUP_RANK", "1"},
                                       {"TORCHELASTIC_RESTART_COUNT", "2"}}));
  EXPECT_EQ(worker.rank, 9);
  EXPECT_EQ(worker.node_rank, 1);
  EXPECT_EQ(worker.attempt, 2);
  Identity launcher = IdentityFrom(From({{"RANK", "1"}, {"WORLD_SIZE", "2"}}));
  EXPECT_FALSE(launcher.rank.has_value());
}

TEST(Identity, SlurmAndOpenMpiNames) {
  EXPECT_EQ(IdentityFrom(From({{"SLURM_PROCID", "5"}, {"SLURM_LOCALID", "1"}, {"SLURM_NODEID", "2"}})).rank, 5);
  EXPECT_EQ(IdentityFrom(From({{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "3"}})).rank, 3);
}

TEST(JobId, IsTheSameOnAllNodesAndAnotherForARelaunch) {
  EXPECT_EQ(JobIdFrom(From({{"SLURM_JOB_ID", "77"}}), {}), "slurm-77");
  EXPECT_EQ(JobIdFrom(From({{"SLURM_JOB_ID", "77"}, {"SLURM_RESTART_COUNT", "1"}}), {}), "slurm-77-1");
  EXPECT_EQ(JobIdFrom(From({}), {"torchrun", "--rdzv_id=abc", "t.py"}), "abc");
  EXPECT_EQ(JobIdFrom(From({}), {"torchrun", "--nnodes", "2", "--master-addr", "h", "--master_port", "29500"}),
            "j-h-29500");
  EXPECT_EQ(JobIdFrom(From({}), {"torchrun", "--nnodes=1", "t.py"}), "");
}

}  // namespace
}  // namespace rankscope::agent
