#include "wire/frame.h"

#include <gtest/gtest.h>

#include "base/coding.h"

namespace rankscope::wire {
namespace {

std::vector<model::Record> Records(uint64_t first_seq, size_t count) {
  std::vector<model::Record> records(count);
  for (size_t i = 0; i < count; ++i) {
    records[i].origin.job = "j";
    records[i].seq = first_seq + i;
    records[i].time = static_cast<int64_t>(1000 + i);
    records[i].text = "line " + std::to_string(i);
  }
  return records;
}

TEST(Frame, RoundTripsThroughItsByteForm) {
  std::string bytes;
  EncodeFrame(MakeFrame(Records(5, 100)), &bytes);
  auto frame = DecodeFrame(bytes);
  ASSERT_TRUE(frame.ok());
  EXPECT_EQ(frame->last_seq(), 104u);
  auto records = OpenFrame(*frame, "");
  ASSERT_TRUE(records.ok()) << records.status().message();
  EXPECT_EQ((*records)->ToRecords(), Records(5, 100));
}

Frame Quick(const std::vector<model::Record>& records) {
  std::string batch;
  model::EncodeRecords(records, &batch);
  return MakeQuickFrame(batch, records.size(), records.front().seq);
}

TEST(Frame, OfEitherCompressionHoldsTheSame) {
  std::string bytes;
  EncodeFrame(Quick(Records(5, 100)), &bytes);
  auto frame = DecodeFrame(bytes);
  ASSERT_TRUE(frame.ok());
  EXPECT_NE(frame->payload, MakeFrame(Records(5, 100)).payload);
  auto records = OpenFrame(*frame, "");
  ASSERT_TRUE(records.ok()) << records.status().message();
  EXPECT_EQ((*records)->ToRecords(), Records(5, 100));
}

// With the checksum set right as well, the contents must not agree, or be refused: what they say is not believed.
TEST(Frame, DamagedContentsAreNeverReadBeyond) {
  for (const Frame& whole : {Quick(Records(1, 50)), MakeFrame(Records(1, 50))}) {
    for (size_t at = 0; at < whole.payload.size(); ++at) {
      Frame frame = whole;
      frame.payload[at] = static_cast<char>(frame.payload[at] ^ 1);
      EXPECT_EQ(OpenFrame(frame, "").status().code(), base::Code::kCorrupt);
      frame.checksum = base::Checksum(frame.payload);
      auto opened = OpenFrame(frame, "");
      EXPECT_TRUE(!opened.ok() || (*opened)->size() == 50);
    }
  }
}

TEST(Frame, FlippedBitIsRefusedAndNamed) {
  for (const Frame& whole : {Quick(Records(1, 50)), MakeFrame(Records(1, 50))}) {
    for (size_t at : {size_t{0}, size_t{9}, size_t{40}}) {
      Frame frame = whole;
      frame.payload[at] = static_cast<char>(frame.payload[at] ^ 1);
      auto opened = OpenFrame(frame, "");
      EXPECT_EQ(opened.status().code(), base::Code::kCorrupt);
      EXPECT_NE(opened.status().message().find("records 1 to 50"), std::string::npos);
    }
  }
}

TEST(Frame, ClaimedSizeIsNotAllocated) {
  Frame frame = MakeFrame(Records(1, 1));
  frame.raw_bytes = 0xffffffff;
  EXPECT_FALSE(OpenFrame(frame, "").ok());
}

TEST(Frame, ClockOffsetCorrectsTimes) {
  Frame frame = MakeFrame(Records(1, 1));
  frame.clock_offset_ns = 2'000'000'000;
  EXPECT_EQ((*OpenFrame(frame, ""))->ToRecords()[0].time, 2'000'001'000);
}

}  // namespace
}  // namespace rankscope::wire
