#include "agent/run_description.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace rankscope::agent {
namespace {

TEST(RunDescription, EnvironmentKeepsNamesAndLosesSecrets) {
  const char* environment[] = {
      "RANK=3", "WANDB_API_KEY=0123456789", "HF_TOKEN=x", "odd", "PROXY=http://me:hunter22@proxy:3128", "EMPTY_TOKEN=",
      nullptr};
  EXPECT_EQ(RedactedEnvironment(environment),
            R"({"EMPTY_TOKEN":"","HF_TOKEN":"[REDACTED]","PROXY":"http://me:[REDACTED]@proxy:3128","RANK":"3",)"
            R"("WANDB_API_KEY":"[REDACTED]"})");
}

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

TEST(RunDescription, ParallelismIsWhatTheCommandSays) {
  model::Fields fields;
  const char* none[] = {nullptr};
  DescribeRun({"torchrun", "--nproc_per_node=8", "train.py", "--tensor-model-parallel-size", "4"}, none, &fields);
  EXPECT_EQ(*model::FindField(fields, "processes_per_node"), model::FieldValue(std::string("8")));
  EXPECT_EQ(*model::FindField(fields, "tensor_parallel"), model::FieldValue(std::string("4")));
  EXPECT_EQ(model::FindField(fields, "pipeline_parallel"), nullptr);
}

}  // namespace
}  // namespace rankscope::agent
