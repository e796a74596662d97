#include "embed/rankscope_embed.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>
#include <vector>

#include "embed/ring.h"

namespace {

class EmbedTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "/rankscope_embed_test";
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    rankscope_options options{sizeof options, directory_.c_str(), 4, 4096, 0};
    ASSERT_EQ(rankscope_open(&options, &handle_), 0);
  }
  void TearDown() override { rankscope_close(handle_); }

  uint32_t Field(const std::string& name) {
    return static_cast<uint32_t>(rankscope_field(handle_, name.data(), name.size()));
  }
  int Log(int64_t step, const std::string& name, double value) {
    uint32_t field = Field(name);
    return rankscope_log(handle_, step, &field, &value, 1);
  }

  std::string directory_;
  rankscope_handle* handle_ = nullptr;
};

TEST_F(EmbedTest, WithoutADirectoryEveryCallDoesNothing) {
  unsetenv("RANKSCOPE_RINGS");
  rankscope_handle* none = nullptr;
  EXPECT_EQ(rankscope_open(nullptr, &none), -ENOENT);
  double value = 1;
  uint32_t field = 0;
  EXPECT_EQ(rankscope_log(none, 1, &field, &value, 1), 0);
  EXPECT_EQ(rankscope_record(none, "event", 1, "{}", 2), 0);
  EXPECT_EQ(rankscope_set_step(none, 1), 0);
  rankscope_close(none);
}

TEST_F(EmbedTest, BadArgumentsAreNamed) {
  rankscope_handle* other = nullptr;
  rankscope_options odd{sizeof odd, directory_.c_str(), 0, 5000, 0};
  EXPECT_EQ(rankscope_open(&odd, &other), -EINVAL);
  rankscope_options nowhere{sizeof nowhere, "/does/not/exist", 0, 0, 0};
  EXPECT_EQ(rankscope_open(&nowhere, &other), -ENOENT);
  std::string name(64, 'n');
  EXPECT_EQ(rankscope_field(handle_, name.data(), name.size()), -ENAMETOOLONG);
  double value = 1;
  uint32_t unknown = 7;
  EXPECT_EQ(rankscope_log(handle_, 1, &unknown, &value, 1), -EINVAL);
  std::string large(2000, ' ');
  EXPECT_EQ(rankscope_record(handle_, "event", 1, large.data(), large.size()), -EMSGSIZE);
}

TEST_F(EmbedTest, NamesAreGivenOneIdEachUpToTheirNumber) {
  EXPECT_EQ(Field("loss"), Field("loss"));
  EXPECT_NE(Field("loss"), Field("los"));
  for (int i = 0; i < RANKSCOPE_MAX_FIELDS; ++i) (void)Field("field " + std::to_string(i));
  std::string name = "one too many";
  EXPECT_EQ(rankscope_field(handle_, name.data(), name.size()), -ENOSPC);
}

TEST_F(EmbedTest, FullRingDropsCountsAndNeverBlocks) {
  int dropped = 0;
  for (int step = 4; step < 4000; step += 4) dropped += Log(step, "loss", 1) == -ENOSPC;
  EXPECT_GT(dropped, 900);
  EXPECT_EQ(rankscope_dropped(handle_), static_cast<uint64_t>(dropped));
}

TEST_F(EmbedTest, ForkedChildIsInert) {
  ASSERT_EQ(Log(1, "loss", 1), 0);
  pid_t child = fork();
  if (child == 0) {
    uint32_t field = 0;
    double value = 5;
    bool inert = rankscope_log(handle_, 4, &field, &value, 1) == -ECHILD &&
                 rankscope_record(handle_, "event", 1, "{}", 2) == -ECHILD &&
                 rankscope_field(handle_, "x", 1) == -ECHILD;
    rankscope_close(handle_);
    _exit(inert ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Log(4, "loss", 1), 0) << "the child's close must not touch the parent's ring";
}

TEST_F(EmbedTest, ThreadsMayShareAHandle) {
  uint32_t field = Field("loss");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      double value = 1;
      for (int i = 0; i < 20000; ++i) rankscope_log(handle_, i, &field, &value, 1);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_GT(rankscope_dropped(handle_), 0u);
}

}  // namespace
