#include "store/columns/compression.h"

#include <gtest/gtest.h>

#include <random>

#include "base/zstd.h"

namespace rankscope::store {
namespace {

// The size under the level, without the byte in front of it.
size_t RoundTrip(const std::string& bytes, int level) {
  std::string compressed, back;
  PutCompressed(bytes, level, &compressed);
  EXPECT_TRUE(ReadCompressed(compressed, bytes.size(), &back));
  EXPECT_EQ(back, bytes);
  return compressed.size() - 1;
}

size_t ZstdSize(const std::string& bytes, int level) {
  std::string frame;
  base::PutZstd(bytes, level, &frame);
  return frame.size();
}

// `size` bytes or a few more, of parts drawn at random.
std::string Drawn(const std::vector<std::string>& parts, size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes;
  while (bytes.size() < size) bytes += parts[random() % parts.size()];
  return bytes;
}

TEST(Compression, BytesThatRepeatAreSearchedAtTheLevelThatIsAskedFor) {
  std::vector<std::string> words;
  words.reserve(300);
  for (int i = 0; i < 300; ++i) words.push_back("part" + std::to_string(i * i) + "/");
  std::string text = Drawn(words, 300'000, 3);
  EXPECT_EQ(RoundTrip(text, kTextLevel), ZstdSize(text, kTextLevel));
  EXPECT_LT(ZstdSize(text, kTextLevel), ZstdSize(text, kUnlikeLevel) * 9 / 10);
  std::string same(100'000, 'x'), little = "0123456789";
  EXPECT_EQ(RoundTrip(same, kTextLevel), ZstdSize(same, kTextLevel));
  EXPECT_EQ(RoundTrip(little, kTextLevel), little.size()) << "as they are";
}

TEST(Compression, BytesThatRepeatFarApartAreFound) {
  std::vector<std::string> letters;
  for (char c = '0'; c <= 'z'; ++c) letters.emplace_back(1, c);
  std::string part = Drawn(letters, 100'000, 7);
  EXPECT_LT(RoundTrip(part + part, kTextLevel), part.size());
}

TEST(Compression, BytesThatHardlyRepeatAreSearchedAtACheaperLevel) {
  std::vector<std::string> letters;
  for (char c = '0'; c <= 'z'; ++c) letters.emplace_back(1, c);
  std::string text = Drawn(letters, 300'000, 11);
  EXPECT_EQ(RoundTrip(text, kTextLevel), ZstdSize(text, kUnlikeLevel));
  EXPECT_LT(RoundTrip(text, kTextLevel), text.size() * 8 / 10);
  // A short phrase now and then is no reason to search.
  for (size_t at = 0; at < text.size(); at += 500) text.replace(at, 8, "checksum");
  EXPECT_EQ(RoundTrip(text, kTextLevel), ZstdSize(text, kUnlikeLevel));
}

}  // namespace
}  // namespace rankscope::store
