#include "ingest/ingest.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <thread>

#include "base/file.h"
#include "ingest/disk_pace.h"

namespace rankscope::ingest {
namespace {

using Outcome = wire::FrameReceiver::Outcome;

class MemorySink : public model::RecordSink {
 public:
  base::Status Ready() override { return ready; }
  base::Status Append(uint64_t, std::shared_ptr<const model::RecordBatch> records) override {
    model::RecordBatch::Cursor cursor(*records);
    model::RecordView record;
    while (cursor.Next(&record)) texts.emplace_back(record.text);
    return {};
  }
  base::Status Tick(uint64_t, const std::string& project, const std::vector<model::JobTime>& jobs) override {
    for (const model::JobTime& job : jobs) {
      texts.push_back("tick of " + project + "/" + job.job + " at " + std::to_string(job.time));
    }
    return {};
  }
  uint64_t durable_position() const override { return durable; }
  base::Status ready;
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
    Restart();
  }
  void Restart() {
    ingest_.reset();
    Ingest::Options options;
    options.folder = folder_;
    options.sinks = {&sink_};
    options.silent_jobs = [this] { return silent_jobs_; };
    options.say = [this](const std::string& sentence) { said_.push_back(sentence); };
    auto ingest = Ingest::Open(std::move(options), &report_);
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
  // Of one record, as the HTTP door does.
  Outcome::Kind SendBatch(const std::string& producer, const std::string& text) {
    model::RecordBatchBuilder builder;
    model::Record record;
    record.seq = 1;
    record.text = text;
    builder.Add(record);
    std::promise<Outcome> promise;
    ingest_->Submit({"default", producer, producer.empty() ? uint64_t{0} : 1, builder.Build()},
                    [&](const Outcome& o) { promise.set_value(o); });
    return promise.get_future().get().kind;
  }
  Outcome SendLost(uint64_t from, uint64_t to) {
    std::promise<Outcome> promise;
    wire::Hello hello;
    hello.producer = std::string(16, 'p');
    hello.epoch = 1;
    hello.host = "h";
    ingest_->SubmitLost(hello, {from, to, "damaged"}, [&](const Outcome& outcome) { promise.set_value(outcome); });
    return promise.get_future().get();
  }
  uint64_t JournalBytes() const {
    uint64_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder_)) bytes += file.file_size();
    return bytes;
  }
  uint64_t Greet(uint32_t epoch = 1, uint64_t acked = 0) {
    wire::Hello hello;
    hello.producer = std::string(16, 'p');
    hello.epoch = epoch;
    hello.acked_seq = acked;
    auto committed = ingest_->Greet(&hello);
    return committed.ok() ? *committed : ~uint64_t{0};
  }

  std::vector<model::JobTime> silent_jobs_;
  std::string folder_;
  MemorySink sink_;
  std::vector<std::string> report_, said_;
  std::unique_ptr<Ingest> ingest_;
};

TEST(DiskPace, IsSlowWhereRecordsMostlyWaitForIt) {
  constexpr int64_t kMs = base::kNsPerSecond / 1000;
  DiskPace pace;
  int64_t now = 5000 * kMs;
  auto sync = [&](int64_t pause, int64_t takes, int times) {
    for (int i = 0; i < times; ++i) {
      now += pause * kMs;
      pace.Synced(now, now + takes * kMs);
      now += takes * kMs;
    }
    return pace.slow();
  };
  EXPECT_FALSE(sync(5, 3, 40));
  EXPECT_TRUE(sync(1, 17, 12));
  EXPECT_TRUE(sync(1, 17, 12)) << "still";
  EXPECT_FALSE(sync(5, 3, 40));
  EXPECT_TRUE(sync(1, 17, 12));
  EXPECT_FALSE(sync(10000, 17, 1)) << "nothing waited for it";
}

TEST_F(IngestTest, StoresEachRecordOnceHoweverOftenItIsSent) {
  EXPECT_EQ(Send(FrameOf(1, 3)).seq, 3u);
  EXPECT_EQ(Send(FrameOf(1, 3)).seq, 3u);
  Outcome gap = Send(FrameOf(6, 2));
  EXPECT_EQ(gap.kind, Outcome::kGap);
  EXPECT_EQ(gap.seq, 4u);
  EXPECT_EQ(Send(FrameOf(4, 2)).seq, 5u);
  EXPECT_EQ(sink_.texts, (std::vector<std::string>{"1", "2", "3", "4", "5"}));
}

TEST_F(IngestTest, RecordsAreRefusedWhileASinkTakesNoneAndKeptByTheirSender) {
  sink_.ready = base::Status::Unavailable("its memory is full");
  Outcome refused = Send(FrameOf(1, 3));
  EXPECT_EQ(refused.kind, Outcome::kFailed);
  EXPECT_EQ(refused.status.code(), base::Code::kUnavailable);
  EXPECT_EQ(refused.status.message(), "its memory is full");
  EXPECT_TRUE(sink_.texts.empty());
  sink_.ready = {};
  EXPECT_EQ(Send(FrameOf(1, 3)).seq, 3u);
  EXPECT_EQ(sink_.texts, (std::vector<std::string>{"1", "2", "3"}));
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

TEST_F(IngestTest, TicksAreJournalledAmongTheRecords) {
  silent_jobs_ = {{"j", 7}, {"k", 9}};
  ASSERT_EQ(Send(FrameOf(1, 1)).kind, Outcome::kDurable);  // the first commit has one beside the record
  silent_jobs_.clear();
  ASSERT_EQ(Send(FrameOf(2, 1)).kind, Outcome::kDurable);
  const std::vector<std::string> told = {"1", "tick of default/j at 7", "tick of default/k at 9", "2"};
  EXPECT_EQ(sink_.texts, told);
  Start();
  EXPECT_EQ(sink_.texts, told);
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

TEST_F(IngestTest, WhatCameByEitherDoorIsReplayed) {
  std::string text = "by HTTP ";
  for (int i = 0; i < 2000; ++i) text += std::to_string(i % 7);
  ASSERT_EQ(Send(FrameOf(1, 1)).kind, Outcome::kDurable);
  ASSERT_EQ(SendBatch("", text), Outcome::kDurable);
  ASSERT_EQ(Send(FrameOf(2, 1)).kind, Outcome::kDurable);
  Start();
  EXPECT_EQ(sink_.texts, (std::vector<std::string>{"1", text, "2"}));
  EXPECT_TRUE(report_.empty());
}

TEST_F(IngestTest, ForgottenProducersBeginAnewAlsoAfterARestart) {
  auto send = [&](const std::string& producer) { return SendBatch(producer, producer); };
  ASSERT_EQ(send("http/1/a/x"), Outcome::kDurable);
  ASSERT_EQ(send("http/3/a/b/x"), Outcome::kDurable);
  ASSERT_TRUE(ingest_->ForgetProducers("default", "http/1/a/").ok());
  EXPECT_EQ(ingest_->CommittedSeq("http/1/a/x"), 0u);
  EXPECT_EQ(ingest_->CommittedSeq("http/3/a/b/x"), 1u);
  Start();
  EXPECT_EQ(ingest_->CommittedSeq("http/1/a/x"), 0u);
  sink_.texts.clear();
  EXPECT_EQ(send("http/1/a/x"), Outcome::kDurable);
  EXPECT_EQ(send("http/3/a/b/x"), Outcome::kDurable);
  EXPECT_EQ(sink_.texts, std::vector<std::string>{"http/1/a/x"});
}

TEST_F(IngestTest, BatchesAreCompressedOnlyWhileTheDiskIsSlow) {
  const std::string text(10000, 'x');
  ASSERT_EQ(SendBatch("http/fast", text), Outcome::kDurable);
  uint64_t bytes = JournalBytes(), added = bytes;
  EXPECT_GT(added, text.size());
  // A disk that gets slower and slower, until it is slow enough beside whatever else this machine does.
  std::atomic<int> takes_ms{100};
  base::SetFileFaults([&](std::string_view operation) {
    if (operation == "sync") std::this_thread::sleep_for(std::chrono::milliseconds(takes_ms));
    return base::Status();
  });
  size_t sent = 1;
  for (; added > text.size() && sent < 50; ++sent, takes_ms += 20) {
    ASSERT_EQ(SendBatch("http/" + std::to_string(sent), text), Outcome::kDurable);
    added = JournalBytes() - bytes;
    bytes += added;
  }
  base::SetFileFaults(nullptr);
  EXPECT_LT(added, text.size());
  Start();
  EXPECT_EQ(sink_.texts, std::vector<std::string>(sent, text));
  EXPECT_EQ(ingest_->CommittedSeq("http/fast"), 1u);
  EXPECT_EQ(ingest_->CommittedSeq("http/" + std::to_string(sent - 1)), 1u);
  EXPECT_TRUE(report_.empty());
}

TEST_F(IngestTest, LostRecordsMoveTheSequenceOnAndAreSaidInTheStream) {
  ASSERT_EQ(Send(FrameOf(1, 2)).kind, Outcome::kDurable);
  EXPECT_EQ(SendLost(4, 5).kind, Outcome::kGap);
  EXPECT_EQ(SendLost(3, 5).seq, 5u);
  EXPECT_EQ(SendLost(3, 5).seq, 5u) << "sent again";
  EXPECT_EQ(Send(FrameOf(6, 1)).seq, 6u);
  ASSERT_EQ(sink_.texts.size(), 4u);
  EXPECT_EQ(sink_.texts[2], "RECORDS LOST: records 3 to 5 of the agent on h will never come: damaged");
  EXPECT_EQ(said_.size(), 1u);
  Start();
  EXPECT_EQ(Greet(), 6u);
  EXPECT_EQ(sink_.texts.size(), 4u);
}

TEST_F(IngestTest, ServerThatHoldsLessThanItAcknowledgedSaysSo) {
  ASSERT_EQ(Send(FrameOf(1, 2)).kind, Outcome::kDurable);
  EXPECT_EQ(Greet(1, /*acked=*/2), 2u);
  EXPECT_TRUE(said_.empty());
  EXPECT_EQ(Greet(2, /*acked=*/7), 2u);
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_NE(said_[0].find("ACK REGRESSION: the server no longer holds records 3 to 7"), std::string::npos) << said_[0];
  ASSERT_EQ(Send(FrameOf(3, 1), 2).kind, Outcome::kDurable);
  EXPECT_EQ(sink_.texts.size(), 4u) << "the notice is a record in the stream";
}

TEST_F(IngestTest, JournalThatLostItsEndDoesNotHideWhatComesAfterwards) {
  ASSERT_EQ(Send(FrameOf(1, 2)).kind, Outcome::kDurable);
  ingest_.reset();
  for (const auto& file : std::filesystem::directory_iterator(folder_)) std::filesystem::remove(file);
  sink_.durable = 1000;  // as of before the files went
  Restart();
  ASSERT_FALSE(report_.empty());
  EXPECT_NE(report_.back().find("newest"), std::string::npos) << report_.back();
  ASSERT_EQ(Send(FrameOf(1, 2)).kind, Outcome::kDurable);
  sink_.texts.clear();
  Restart();
  EXPECT_EQ(sink_.texts.size(), 2u) << "replayed: it lies behind what the sink has";
}

}  // namespace
}  // namespace rankscope::ingest
