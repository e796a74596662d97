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

TEST(Identity, RankThatStandsAloneIsTold) {
  const std::vector<std::string> script = {"python3", "train.py"}, shell = {"/bin/sh", "train.sh"},
                                 launcher = {"torchrun", "train.py"};
  for (const auto& command : {script, shell}) {
    EXPECT_TRUE(
        LoneRankAdvice(From({{"RANK", "3"}}), command).starts_with("RANK=3 without LOCAL_RANK is taken for a "));
  }
  EXPECT_EQ(LoneRankAdvice(From({{"RANK", "3"}}), launcher), "") << "it is the node's indeed";
  EXPECT_EQ(LoneRankAdvice(From({{"RANK", "3"}, {"LOCAL_RANK", "3"}}), script), "");
  EXPECT_EQ(LoneRankAdvice(From({{"RANK", "3"}, {"SLURM_PROCID", "3"}, {"SLURM_LOCALID", "1"}}), script), "");
  EXPECT_EQ(LoneRankAdvice(From({}), script), "");
}

TEST(Identity, SlurmAndOpenMpiNames) {
  EXPECT_EQ(IdentityFrom(From({{"SLURM_PROCID", "5"}, {"SLURM_LOCALID", "1"}, {"SLURM_NODEID", "2"}})).rank, 5);
  EXPECT_EQ(IdentityFrom(From({{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "3"}})).rank, 3);
}

std::string KeyOf(std::map<std::string, std::string> variables, const std::vector<std::string>& command) {
  return LaunchFrom(From(std::move(variables)), command, "h0").key;
}

TEST(Launch, LaunchersAndShellsAreNoRanks) {
  EXPECT_TRUE(IsLauncher({"/usr/bin/python3", "/usr/local/bin/torchrun", "--nnodes", "2"}));
  EXPECT_TRUE(IsLauncher({"python", "-u", "-W", "ignore", "-m", "torch.distributed.run"}));
  EXPECT_TRUE(IsLauncher({"/bin/sh", "wrap.sh"}));
  EXPECT_FALSE(IsLauncher({"python", "train.py", "torchrun"}));
  EXPECT_FALSE(IsLauncher({"./train"}));
  EXPECT_FALSE(IsLauncher({}));
}

TEST(Launch, KeyIsWhatAllItsNodesHave) {
  EXPECT_EQ(KeyOf({{"SLURM_JOB_ID", "77"}}, {}), "slurm-77");
  EXPECT_EQ(KeyOf({{"SLURM_JOB_ID", "77"}, {"SLURM_RESTART_COUNT", "1"}}, {}), "slurm-77-1");
  EXPECT_EQ(KeyOf({{"SLURM_JOB_ID", "77"}, {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "1"}}, {}), "slurm-77");
  EXPECT_EQ(KeyOf({{"SLURM_JOB_ID", "77"}, {"SLURM_STEP_ID", "2"}, {"SLURM_PROCID", "1"}}, {}), "slurm-77-step2");
  EXPECT_EQ(KeyOf({}, {"torchrun", "--rdzv_id=abc", "t.py"}), "abc");
  EXPECT_EQ(KeyOf({{"PMIX_NAMESPACE", "4711"}}, {"train"}), "mpi-4711");
  EXPECT_EQ(KeyOf({}, {"torchrun", "--nnodes", "2", "--master-addr", "h", "--master_port", "29500"}), "j-h-29500");
  EXPECT_EQ(KeyOf({}, {"torchrun", "--nnodes=1:3", "--rdzv-endpoint=h:29400"}), "j-h-29400");
  EXPECT_EQ(KeyOf({}, {"accelerate", "launch", "--num_machines=2", "--main_process_ip=h", "--main_process_port=7"}),
            "j-h-7");
  EXPECT_EQ(KeyOf({{"NNODES", "2"}, {"MASTER_ADDR", "h"}, {"MASTER_PORT", "29500"}}, {"swift", "sft"}), "j-h-29500");
  EXPECT_EQ(KeyOf({}, {"torchrun", "--nnodes=1", "t.py"}), "");
}

TEST(Launch, NodesAndPlaceInIt) {
  Launch first = LaunchFrom(From({}), {"torchrun", "--nnodes=2", "--node-rank", "1", "--master-addr", "h"}, "h1");
  EXPECT_EQ(first.nodes, 2);
  EXPECT_EQ(first.node_rank, 1);
  EXPECT_EQ(first.master, "h");
  EXPECT_EQ(first.member, "node 1");
  Launch elastic = LaunchFrom(From({}), {"torchrun", "--nnodes=1:4", "--rdzv-endpoint=h:1"}, "h1");
  EXPECT_EQ(elastic.nodes, 4);
  EXPECT_FALSE(elastic.node_rank.has_value());
  EXPECT_EQ(elastic.member, "host h1");
  Launch alone = LaunchFrom(From({}), {"torchrun", "train.py"}, "h1");
  EXPECT_EQ(alone.nodes, 1);
  EXPECT_EQ(alone.node_rank, 0);
}

TEST(Launch, LauncherThatStartsUsOnceARankGivesEachAPlace) {
  Launch mpi = LaunchFrom(From({{"OMPI_COMM_WORLD_RANK", "9"},
                                {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                                {"OMPI_COMM_WORLD_SIZE", "16"},
                                {"OMPI_COMM_WORLD_LOCAL_SIZE", "8"}}),
                          {"./train"}, "h1");
  EXPECT_EQ(mpi.nodes, 2);
  EXPECT_EQ(mpi.member, "host h1 local 1");
}

}  // namespace
}  // namespace rankscope::agent
