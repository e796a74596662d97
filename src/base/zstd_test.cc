#include "base/zstd.h"

#include <gtest/gtest.h>

#include <random>

namespace rankscope::base {
namespace {

TEST(Zstd, GivesBackWhatWasPutBehindOtherBytes) {
  const std::string text(10'000, 'a');
  std::string bytes = "head", out;
  PutZstd(text, 1, &bytes);
  ASSERT_LT(bytes.size(), 200u);
  EXPECT_TRUE(ReadZstd(bytes.substr(4), text.size(), &out));
  EXPECT_EQ(out, text);
}

TEST(Zstd, LevelsBelow0GiveFrequentBytesFewerBits) {
  std::mt19937 random(5);
  std::string digits(100'000, '0'), frame, out;
  for (char& digit : digits) digit = static_cast<char>('0' + random() % 10);
  PutZstd(digits, -5, &frame);
  EXPECT_LT(frame.size(), digits.size() / 2);
  EXPECT_TRUE(ReadZstd(frame, digits.size(), &out));
  EXPECT_EQ(out, digits);
}

TEST(Zstd, ClaimedSizeIsNotAllocated) {
  std::string frame, out;
  PutZstd("short", 1, &frame);
  EXPECT_FALSE(ReadZstd(frame, size_t{1} << 40, &out));
  EXPECT_EQ(out.capacity(), std::string().capacity());
}

TEST(Zstd, DamagedFrameIsRefusedAndTheNextOneIsRead) {
  std::string frame, out;
  PutZstd(std::string(1000, 'x') + "end", 1, &frame);
  EXPECT_FALSE(ReadZstd(frame.substr(0, frame.size() - 2), 1003, &out));
  EXPECT_FALSE(ReadZstd("no zstd", 7, &out));
  EXPECT_TRUE(ReadZstd(frame, 1003, &out));
}

}  // namespace
}  // namespace rankscope::base
