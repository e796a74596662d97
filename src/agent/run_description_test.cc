#include "agent/run_description.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace rankscope::agent {
namespace {

TEST(RunDescription, CommitIsFoundFromBelowPackedOrNot) {
  std::string root = testing::TempDir() + "/rankscope_run_description_test";
  std::filesystem::remove_all(root);
  std::filesystem::create_directories(root + "/.git/refs/heads");
  std::filesystem::create_directories(root + "/src/deep");
  std::ofstream(root + "/.git/HEAD") << "ref: refs/heads/main\n";
  std::ofstream(root + "/.git/packed-refs") << "# pack-refs\n1111 refs/heads/other\n2222 refs/heads/main\n";
  EXPECT_EQ(GitCommit(root + "/src/deep"), "2222");
  std::ofstream(root + "/.git/refs/heads/main") << "3333\n";
  EXPECT_EQ(GitCommit(root + "/src/deep"), "3333");
  std::ofstream(root + "/.git/HEAD") << "4444\n";
  EXPECT_EQ(GitCommit(root), "4444");
}

TEST(RunDescription, CommitOfAWorktreeIsItsRepositorys) {
  std::string root = testing::TempDir() + "/rankscope_worktree_test";
  std::filesystem::remove_all(root);
  std::filesystem::create_directories(root + "/repository/.git/worktrees/other");
  std::filesystem::create_directories(root + "/other/src");
  std::ofstream(root + "/other/.git") << "gitdir: ../repository/.git/worktrees/other\n";
  std::ofstream(root + "/repository/.git/worktrees/other/commondir") << "../..\n";
  std::ofstream(root + "/repository/.git/worktrees/other/HEAD") << "ref: refs/heads/other\n";
  std::ofstream(root + "/repository/.git/packed-refs")
      << "# pack-refs with: peeled \n1111 refs/heads/a\n^2222\n3333 refs/heads/other\n";
  EXPECT_EQ(GitCommit(root + "/other/src"), "3333");
}

TEST(RunDescription, ParallelismIsWhatTheCommandSays) {
  model::Fields fields;
  const char* none[] = {nullptr};
  DescribeRun({"torchrun", "--nproc_per_node=8", "train.py", "--tensor-model-parallel-size", "4"}, none, &fields);
  EXPECT_EQ(*model::FindField(fields, "processes_per_node"), model::FieldValue(std::string("8")));
  EXPECT_EQ(*model::FindField(fields, "tensor_parallel"), model::FieldValue(std::string("4")));
  EXPECT_EQ(model::FindField(fields, "pipeline_parallel"), nullptr);
}

std::string Described(const std::vector<std::string>& command, const std::string& name) {
  model::Fields fields;
  const char* none[] = {nullptr};
  DescribeRun(command, none, &fields);
  const auto* field = model::FindField(fields, name);
  if (!field) return "";
  const auto* number = std::get_if<int64_t>(field);
  return number ? std::to_string(*number) : std::get<std::string>(*field);
}

TEST(RunDescription, WorldSizeIsNodesTimesProcesses) {
  EXPECT_EQ(Described({"torchrun", "--nnodes=4", "--nproc_per_node=8", "t.py"}, "world_size"), "32");
  EXPECT_EQ(Described({"torchrun", "--nproc-per-node", "2", "t.py"}, "world_size"), "2");
  EXPECT_EQ(Described({"torchrun", "--nnodes=1:4", "--nproc_per_node=8", "t.py"}, "world_size"), "");
  EXPECT_EQ(Described({"torchrun", "--nproc_per_node=gpu", "t.py"}, "world_size"), "");
}

TEST(RunDescription, DeepSpeedFileIsKeptWithItsStage) {
  std::string path = testing::TempDir() + "/rankscope_deepspeed.json";
  std::ofstream(path) << R"({"zero_optimization": {"stage": 3}, "bf16": {"enabled": true}})";
  std::vector<std::string> command = {"deepspeed", "train.py", "--deepspeed", "--deepspeed_config", path};
  EXPECT_EQ(Described(command, "zero_stage"), "3");
  EXPECT_EQ(Described(command, "deepspeed_config"), R"({"bf16":{"enabled":true},"zero_optimization":{"stage":3}})");
  EXPECT_EQ(Described(command, "deepspeed"), "");
  EXPECT_EQ(Described({"swift", "sft", "--deepspeed", "zero3"}, "deepspeed"), "zero3");
  std::ofstream(path) << "not json";
  EXPECT_EQ(Described({"t.py", "--deepspeed", path}, "zero_stage"), "");
}

TEST(RunDescription, MegatronsFlagsAndTorchtitansNames) {
  std::vector<std::string> command = {"torchrun", "pretrain_gpt.py", "--sequence-parallel",
                                      "--parallelism.tensor_parallel_degree=2"};
  EXPECT_EQ(Described(command, "sequence_parallel"), "true");
  EXPECT_EQ(Described(command, "tensor_parallel"), "2");
}

}  // namespace
}  // namespace rankscope::agent
