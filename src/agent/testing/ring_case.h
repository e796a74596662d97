#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "agent/run_directory.h"
#include "embed/rankscope_embed.h"

namespace rankscope::agent {

// A folder of rings of its own, and this process as a worker of a launcher: rank 3, local rank 1.
class RingCase : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    directory_ = testing::TempDir() + "/rankscope_" + test->test_suite_name();
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    config_.rings = directory_;
    config_.job = "j";
    setenv("RANK", "3", 1);
    setenv("LOCAL_RANK", "1", 1);
  }
  void TearDown() override {
    rankscope_close(handle_);
    unsetenv("RANK");
    unsetenv("LOCAL_RANK");
  }

  void Open(uint32_t interval, int is_worker = 0) {
    rankscope_options options{sizeof options, directory_.c_str(), interval, 16384, is_worker};
    ASSERT_EQ(rankscope_open(&options, &handle_), 0);
  }

  std::string directory_;
  RunConfig config_;
  rankscope_handle* handle_ = nullptr;
};

}  // namespace rankscope::agent
