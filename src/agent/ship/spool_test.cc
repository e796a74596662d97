#include "agent/ship/spool.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <set>

namespace rankscope::agent {
namespace {

class SpoolTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_spool_test";
    std::filesystem::remove_all(folder_);
    Open();
  }
  void Open() {
    spool_.reset();
    journal::Recovery recovery;
    auto spool = Spool::Open(folder_, &recovery);
    ASSERT_TRUE(spool.ok()) << spool.status().message();
    spool_ = *std::move(spool);
  }
  // A frame of 100 incompressible printed lines, a metric line and a line of stderr: about 60 KiB.
  void AppendFrame() {
    std::vector<model::Record> records(102);
    for (size_t i = 0; i < records.size(); ++i) {
      records[i].origin.rank = 3;
      records[i].time = static_cast<int64_t>(spool_->next_seq() + i);
      for (int k = 0; k < 100; ++k) records[i].text += std::to_string(random_());
    }
    records[50].fields = {{"loss", 2.5}};
    records[101].stream = model::Stream::kStderr;
    ASSERT_TRUE(spool_->Append(&records, {{"channel 1", spool_->next_seq()}}).ok());
  }
  std::vector<wire::Frame> ReadFrom(uint64_t seq) {
    auto reader = spool_->ReadFrom(seq);
    std::vector<wire::Frame> frames;
    for (wire::Frame frame; *reader.Next(&frame);) frames.push_back(frame);
    return frames;
  }
  // The frames follow each other without a gap from the first to the last number.
  void ExpectDense(const std::vector<wire::Frame>& frames, uint64_t first) {
    uint64_t next = first;
    for (const wire::Frame& frame : frames) {
      EXPECT_EQ(frame.first_seq, next);
      next = frame.last_seq() + 1;
    }
    EXPECT_EQ(next, spool_->next_seq());
  }

  std::string folder_;
  std::mt19937 random_{7};
  std::unique_ptr<Spool> spool_;
};

TEST_F(SpoolTest, KeepsAcknowledgedFramesForAServerThatLostThem) {
  for (int i = 0; i < 20; ++i) AppendFrame();
  spool_->Release(spool_->next_seq() - 1);
  ExpectDense(ReadFrom(1), 1);
}

TEST_F(SpoolTest, AcknowledgedFramesGoInTime) {
  while (spool_->next_seq() < 102 * 900) AppendFrame();  // 60 MiB
  spool_->Release(spool_->next_seq() - 1);
  EXPECT_LT(spool_->bytes_on_disk(), Spool::kRetainedBytes + (9 << 20));
  ExpectDense(ReadFrom(spool_->first_seq()), spool_->first_seq());
}

TEST_F(SpoolTest, ThinningLeavesOutOldestPrintedTextFirstAndCountsIt) {
  for (int i = 0; i < 400; ++i) AppendFrame();
  uint64_t before = spool_->bytes_on_disk();
  ASSERT_TRUE(*spool_->Thin());
  EXPECT_LT(spool_->bytes_on_disk(), before);
  auto frames = ReadFrom(1);
  ExpectDense(frames, 1);
  auto opened = wire::OpenFrame(frames.front(), "");
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  std::vector<model::Record> oldest = (*opened)->ToRecords();
  ASSERT_EQ(oldest.size(), 3u);
  EXPECT_EQ(*model::FindField(oldest[0].fields, "dropped_records"), model::FieldValue(int64_t{100}));
  EXPECT_EQ(oldest[1].seq, 51u);
  EXPECT_EQ(oldest[2].stream, model::Stream::kStderr);
  EXPECT_EQ((*wire::OpenFrame(frames.back(), ""))->size(), 102u);
}

TEST_F(SpoolTest, WhatThinningMovedIsThereOnceAfterAKill) {
  for (int i = 0; i < 400; ++i) AppendFrame();
  while (*spool_->Thin() && spool_->first_seq() == 1) Open();
  Open();
  ExpectDense(ReadFrom(spool_->first_seq()), spool_->first_seq());
  EXPECT_EQ(spool_->positions().at("channel 1"), 102u * 399 + 1);
}

TEST_F(SpoolTest, ReaderGoesOnWhileTheSpoolIsThinned) {
  for (int i = 0; i < 400; ++i) AppendFrame();
  auto reader = spool_->ReadFrom(1);
  wire::Frame frame;
  uint64_t next = 1;
  for (int i = 0; *reader.Next(&frame); ++i) {
    EXPECT_EQ(frame.first_seq, next);
    next = frame.last_seq() + 1;
    if (i % 30 == 10) (void)*spool_->Thin();
  }
  EXPECT_EQ(next, spool_->next_seq());
}

TEST_F(SpoolTest, NothingIsThinnedTwiceIntoNothing) {
  for (int i = 0; i < 400; ++i) AppendFrame();
  while (*spool_->Thin()) {
  }
  EXPECT_LT(spool_->bytes_on_disk(), 14u << 20);
  auto frames = ReadFrom(spool_->first_seq());
  ExpectDense(frames, spool_->first_seq());
  EXPECT_EQ((*wire::OpenFrame(frames.back(), ""))->size(), 102u);
}

}  // namespace
}  // namespace rankscope::agent
