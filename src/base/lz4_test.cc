#include "base/lz4.h"

#include <gtest/gtest.h>

#include <random>

#include "base/zstd.h"

namespace rankscope::base {
namespace {

std::string Noise(size_t size) {
  std::mt19937_64 random(size);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

TEST(Lz4, GivesBackWhatWasPutBehindOtherBytes) {
  const std::string text(10'000, 'a');
  std::string bytes = "head", out;
  PutLz4(text, &bytes);
  ASSERT_LT(bytes.size(), 200u);
  EXPECT_TRUE(IsLz4(bytes.substr(4)));
  EXPECT_TRUE(ReadLz4(bytes.substr(4), text.size(), &out));
  EXPECT_EQ(out, text);
}

// A block is at most 4 MiB, a frame of records 8.
TEST(Lz4, GivesBackEverySize) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{4 << 20}, size_t{8 << 20}}) {
    for (const std::string& text : {Noise(size), std::string(size, 'b')}) {
      std::string frame, out;
      PutLz4(text, &frame);
      EXPECT_LE(frame.size(), size + 64);
      EXPECT_TRUE(ReadLz4(frame, size, &out)) << size;
      EXPECT_TRUE(out == text) << size;
    }
  }
}

TEST(Lz4, ClaimedSizeIsNotAllocated) {
  std::string frame, out;
  PutLz4("short", &frame);
  EXPECT_FALSE(ReadLz4(frame, size_t{1} << 40, &out));
  EXPECT_EQ(out.capacity(), std::string().capacity());
}

TEST(Lz4, CutAndForeignFramesAreRefused) {
  const std::string text = std::string(1000, 'x') + Noise(100);
  std::string frame, zstd, out;
  PutLz4(text, &frame);
  for (size_t size = 0; size < frame.size(); ++size) EXPECT_FALSE(ReadLz4(frame.substr(0, size), text.size(), &out));
  EXPECT_FALSE(ReadLz4(frame + "x", text.size(), &out));
  PutZstd(text, 1, &zstd);
  EXPECT_FALSE(IsLz4(zstd));
  EXPECT_FALSE(ReadLz4(zstd, text.size(), &out));
  EXPECT_TRUE(ReadLz4(frame, text.size(), &out));
}

}  // namespace
}  // namespace rankscope::base
