#include "agent/run_directory.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace rankscope::agent {
namespace {

std::string NewFolder(const std::string& name) {
  std::string folder = testing::TempDir() + "/" + name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

TEST(RunDirectory, NamesThatAreNoTextHoldUpNoRun) {
  const std::string folder = NewFolder("run_directory_names");
  RunConfig config;
  config.job = "job\xff";
  config.project = "\xc3(";
  config.token = "t\xfe";
  config.server = "host\x80:7070";
  config.data_dir = "/tmp/x\xff";
  ASSERT_TRUE(WriteRunConfig(folder, config).ok());
  auto read = ReadRunConfig(folder);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->job, "job\uFFFD");
  EXPECT_EQ(read->project, "\uFFFD(");
}

TEST(RunDirectory, ProgressIsReadAsItWasWritten) {
  const std::string folder = NewFolder("run_directory_progress");
  EXPECT_EQ(ReadProgress(folder), Progress());
  WriteProgress(folder, {7, 5, 3});
  EXPECT_EQ(ReadProgress(folder), (Progress{7, 5, 3}));
}

}  // namespace
}  // namespace rankscope::agent
