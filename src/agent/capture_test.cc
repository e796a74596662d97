#include "agent/capture.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace rankscope::agent {
namespace {

class CaptureTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "/rankscope_capture_test";
    std::filesystem::remove_all(directory_);
  }
  std::string Newest() const {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ + "/capture")) {
      newest = std::max(newest, entry.path().string());
    }
    return newest;
  }
  std::string directory_;
};

TEST_F(CaptureTest, SuccessorGoesOnWhereTheDeadKeeperStopped) {
  auto dead = CaptureWriter::Create(directory_, {.file_bytes = 200});
  ASSERT_TRUE(dead.ok());
  uint32_t channel = dead->OpenChannel({});
  dead->Record(model::Record{});
  for (int i = 0; i < 50; ++i) dead->Bytes(channel, i, "0123456789");
  std::ofstream(Newest(), std::ios::app) << std::string("\x40\0\0\0\x02torn", 9);

  auto successor = CaptureWriter::Continue(directory_, {});
  ASSERT_TRUE(successor.ok());
  EXPECT_EQ(successor->bytes_of(channel), 500u);
  EXPECT_FALSE(successor->ended());
  successor->Bytes(channel, 50, "after");
  successor->Record(model::Record{});

  auto reader = CaptureReader::Open(directory_);
  std::string bytes;
  uint64_t last_record = 0;
  while (true) {
    auto entry = reader->Next();
    ASSERT_TRUE(entry.ok());
    if (!entry->has_value()) break;
    if (const auto* part = std::get_if<CaptureBytes>(&**entry)) bytes += part->bytes;
    if (const auto* record = std::get_if<CaptureRecord>(&**entry)) last_record = record->index;
  }
  EXPECT_EQ(bytes.size(), 505u);
  EXPECT_EQ(bytes.substr(500), "after");
  EXPECT_EQ(last_record, 2u);
}

TEST_F(CaptureTest, KeeperKilledWhileItBeganAFileLosesNothing) {
  auto dead = CaptureWriter::Create(directory_, {});
  uint32_t channel = dead->OpenChannel({});
  dead->Bytes(channel, 1, "0123456789");
  std::ofstream(directory_ + "/capture/00000002") << std::string("\x09\0\0", 3);  // not even the first entry's header
  auto successor = CaptureWriter::Continue(directory_, {});
  ASSERT_TRUE(successor.ok());
  EXPECT_EQ(successor->bytes_of(channel), 10u);
}

TEST_F(CaptureTest, SuccessorOfAKeeperThatHadEndedHasNothingToDo) {
  auto dead = CaptureWriter::Create(directory_, {});
  dead->End();
  auto successor = CaptureWriter::Continue(directory_, {});
  ASSERT_TRUE(successor.ok());
  EXPECT_TRUE(successor->ended());
}

}  // namespace
}  // namespace rankscope::agent
