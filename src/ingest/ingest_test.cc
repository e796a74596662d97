#include "ingest/ingest.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>

namespace rankscope::ingest {
namespace {

using Outcome = wire::FrameReceiver::Outcome;

class MemorySink : public model::RecordSink {
 public:
  base::Status Append(uint64_t, std::shared_ptr<const model::RecordBatch> records) override {
    model::RecordBatch::Cursor cursor(*records);
    model::RecordView record;
    while (cursor.Next(&record)) texts.emplace_back(record.text);
    return {};
  }
  uint64_t durable_position() const override { return durable; }
  std::vector<std::string> texts;
  uint64_t durable = 0;
};

wire::Frame FrameOf(uint64_t first_seq, size_t count) {
  std::vector<model::Record> records(count);
  for (size_t i = 0; i < count; ++i) {
    records[i].seq = first_seq + i;
    records[i].text = std::to_string(first_seq + i);
  }
  return wire::MakeFrame(records);
}

class IngestTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/rankscope_ingest_test";
    std::filesystem::remove_all(folder_);
    Start();
  }
  void Start() {
    ingest_.reset();
    sink_ = {};
    auto ingest = Ingest::Open({folder_, {&sink_}, {}}, &report_);
    ASSERT_TRUE(ingest.ok()) << ingest.status().message();
    ingest_ = *std::move(ingest);
  }
  Outcome Send(const wire::Frame& frame, uint32_t epoch = 1) {
    std::promise<Outcome> promise;
    wire::Hello hello;
    hello.producer = std::string(16, 'p');
    hello.epoch = epoch;
    ingest_->Submit(hello, frame, [&](Outcome outcome) { promise.set_value(outcome); });
    return promise.get_future().get();
  }
  uint64_t Greet(uint32_t epoch = 1) {
    wire::Hello hello;
    hello.producer = std::string(16, 'p');
    hello.epoch = epoch;
    auto committed = ingest_->Greet(hello);
    return committed.ok() ? *committed : ~uint64_t{0};
  }

  std::string folder_;
  MemorySink sink_;
  std::vector<std::string> report_;
  std::unique_ptr<Ingest> ingest_;
};

TEST_F(IngestTest, StoresEachRecordOnceHoweverOftenItIsSent) {
  EXPECT_EQ(Send(FrameOf(1, 3)).seq, 3u);
  EXPECT_EQ(Send(FrameOf(1, 3)).seq, 3u);
  Outcome gap = Send(FrameOf(6, 2));
  EXPECT_EQ(gap.kind, Outcome::kGap);
  EXPECT_EQ(gap.seq, 4u);
  EXPECT_EQ(Send(FrameOf(4, 2)).seq, 5u);
  EXPECT_EQ(sink_.texts, (std::vector<std::string>{"1", "2", "3", "4", "5"}));
}

TEST_F(IngestTest, RestartKeepsWatermarksAndReplaysToSinksThatLostTheirMemory) {
  ASSERT_EQ(Send(FrameOf(1, 3)).kind, Outcome::kDurable);
  ASSERT_EQ(Send(FrameOf(4, 1)).kind, Outcome::kDurable);
  Start();
  EXPECT_EQ(Greet(), 4u);
  EXPECT_EQ(sink_.texts, (std::vector<std::string>{"1", "2", "3", "4"}));
  EXPECT_EQ(Send(FrameOf(4, 1)).seq, 4u);
  EXPECT_EQ(sink_.texts.size(), 4u);
}

TEST_F(IngestTest, OlderSenderIsFenced) {
  ASSERT_EQ(Send(FrameOf(1, 1), 2).kind, Outcome::kDurable);
  EXPECT_EQ(Greet(3), 1u);
  EXPECT_EQ(Send(FrameOf(2, 1), 2).kind, Outcome::kFenced);
  EXPECT_EQ(Greet(2), ~uint64_t{0});
  EXPECT_EQ(Send(FrameOf(2, 1), 3).kind, Outcome::kDurable);
}

TEST_F(IngestTest, WatermarksSurviveTrimming) {
  std::vector<model::Record> records(1);
  uint64_t seq = 0;
  sink_.durable = ~uint64_t{0};
  while (!std::filesystem::is_empty(folder_) && seq < 200) {
    records[0].seq = ++seq;
    records[0].text.clear();
    for (int i = 0; i < (1 << 19); ++i)
      records[0].text.push_back(
          static_cast<char>((seq * 2654435761u + static_cast<uint64_t>(i) * 40503u * static_cast<uint64_t>(i)) >> 7));
    ASSERT_EQ(Send(wire::MakeFrame(records)).kind, Outcome::kDurable);
  }
  Start();
  EXPECT_EQ(Greet(), seq);
}

}  // namespace
}  // namespace rankscope::ingest
