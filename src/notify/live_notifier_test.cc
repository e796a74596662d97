#include "notify/live_notifier.h"

#include <gtest/gtest.h>

#include <fstream>

namespace rankscope::notify {
namespace {

class LiveNotifierTest : public testing::Test {
 protected:
  LiveNotifierTest() {
    folder_ = testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  void Write(const std::string& text) { std::ofstream(folder_ + ".yaml") << text; }
  void WriteChannel(const std::string& name) {
    Write("receivers: [{name: " + name + ", webhook: {url: 'http://127.0.0.1:1'}}]\nroute: {receiver: " + name +
          ", group_wait: 0s}\n");
  }
  base::Result<std::unique_ptr<LiveNotifier>> Start() {
    return LiveNotifier::Start({folder_ + ".yaml", folder_ + ".db", {}});
  }
  static Update Firing() {
    Update update;
    update.incident = "a";
    update.version = 1;
    update.project = "p";
    return update;
  }

  std::string folder_;
};

TEST_F(LiveNotifierTest, WhatWasTakenOutlivesTheFilesChange) {
  WriteChannel("one");
  auto live = *Start();
  ASSERT_TRUE(live->Get()->Take(Firing()).ok());
  EXPECT_FALSE(live->HasChanged());
  WriteChannel("another");
  EXPECT_TRUE(live->HasChanged());
  ASSERT_TRUE(live->Reload().ok());
  EXPECT_FALSE(live->HasChanged());
  EXPECT_EQ(live->Get()->Channels()[0].channel, "another");
  EXPECT_EQ(live->Get()->Open("p").size(), 1U);
}

TEST_F(LiveNotifierTest, FileWithAMistakeChangesNothing) {
  WriteChannel("one");
  auto live = *Start();
  Write("receivers: []\n");
  auto status = live->Reload();
  EXPECT_EQ(status.code(), base::Code::kInvalid);
  EXPECT_NE(status.message().find(".yaml:1:"), std::string::npos) << status.message();
  EXPECT_FALSE(live->HasChanged()) << "it is said once";
  EXPECT_EQ(live->Get()->Channels()[0].channel, "one");
  EXPECT_TRUE(live->Get()->Take(Firing()).ok());
}

TEST_F(LiveNotifierTest, FileWithAMistakeIsRefusedAtTheStart) {
  Write("receivers: []\n");
  EXPECT_EQ(Start().status().code(), base::Code::kInvalid);
}

}  // namespace
}  // namespace rankscope::notify
