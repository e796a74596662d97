#include "store/merge.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "model/record_batch.h"
#include "store/blocks/row_buffer.h"

namespace rankscope::store {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMergeAt = 8;

// A job that gets segments of one size each, and merges whenever that is worth it.
class MergeTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "/rankscope_merge_test_" + std::to_string(getpid());
    fs::remove_all(path_);
    std::vector<std::string> damage;
    auto folder = SegmentFolder::Open(path_, "default", &damage);
    ASSERT_TRUE(folder.ok()) << folder.status().message();
    folder_ = *std::move(folder);
  }
  void TearDown() override {
    live_.clear();
    folder_.reset();
    fs::remove_all(path_);
  }

  // One record of which nothing is worth compressing.
  base::Status Fill(SegmentWriter* writer) {
    model::Record record;
    record.origin.job = "job";
    record.time = static_cast<base::TimeNs>(live_.size());
    for (int i = 0; i < 200'000; ++i) record.text += "0123456789abcdef"[random_() % 16];
    std::string bytes;
    model::EncodeRecords({record}, &bytes);
    ASSIGN_OR_RETURN(auto batch, model::RecordBatch::Decode(bytes));
    ASSIGN_OR_RETURN(auto templates, folder_->TemplatesOf("job"));
    RowBuffer rows(templates);
    model::RecordBatch::Cursor cursor(*batch);
    model::RecordView view;
    while (cursor.Next(&view)) rows.Add(view);
    rows.Finish();
    return writer->Add(rows);
  }

  LiveSegment Write(const std::function<base::Status(SegmentWriter*)>& fill) {
    auto written = folder_->Write("job", fill);
    EXPECT_TRUE(written.ok()) << written.status().message();
    return *std::move(written);
  }

  // Bytes that were copied.
  uint64_t Merge() {
    uint64_t copied = 0;
    for (auto run = NextMerge(live_, {}, kMergeAt); !run.empty(); run = NextMerge(live_, {}, kMergeAt)) {
      LiveSegment merged = Write([&](SegmentWriter* writer) { return FillMerged(run, writer); });
      copied += merged.segment->file_bytes();
      auto first = std::find_if(live_.begin(), live_.end(), [&](const auto& live) { return live.name == run[0].name; });
      *first = merged;
      live_.erase(first + 1, first + static_cast<long>(run.size()));
    }
    return copied;
  }

  std::string path_;
  std::unique_ptr<SegmentFolder> folder_;
  std::vector<LiveSegment> live_;
  std::mt19937_64 random_{1};
};

TEST_F(MergeTest, CopiesEachByteAFewTimesHoweverManySegmentsCome) {
  constexpr int kSegments = 100;
  uint64_t written = 0, copied = 0;
  for (int i = 0; i < kSegments; ++i) {
    live_.push_back(Write([&](SegmentWriter* writer) { return Fill(writer); }));
    written += live_.back().segment->file_bytes();
    copied += Merge();
    ASSERT_LT(live_.size(), 2 * kMergeAt);
  }
  EXPECT_LT(copied, 4 * written);
}

}  // namespace
}  // namespace rankscope::store
