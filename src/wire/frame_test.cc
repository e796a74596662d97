#include "wire/frame.h"

#include <gtest/gtest.h>

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

TEST(Frame, FlippedBitIsRefusedAndNamed) {
  for (size_t at : {size_t{0}, size_t{9}, size_t{40}}) {
    Frame frame = MakeFrame(Records(1, 50));
    frame.payload[at] = static_cast<char>(frame.payload[at] ^ 1);
    auto opened = OpenFrame(frame, "");
    EXPECT_EQ(opened.status().code(), base::Code::kCorrupt);
    EXPECT_NE(opened.status().message().find("records 1 to 50"), std::string::npos);
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
