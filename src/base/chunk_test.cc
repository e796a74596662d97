#include "base/chunk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace rankscope::base {
namespace {

void Append(std::string_view bytes, Chunk* chunk) {
  char* at = chunk->Room(bytes.size());
  chunk->Extend(std::copy(bytes.begin(), bytes.end(), at));
}

TEST(Chunk, KeepsWhatWasWrittenAsItGrows) {
  Chunk chunk;
  std::string expected;
  for (size_t i = 0; expected.size() < 5 << 20; ++i) {
    std::string piece(i * 37 % 70'000, static_cast<char>('a' + i % 26));
    Append(piece, &chunk);
    expected += piece;
  }
  EXPECT_EQ(chunk.view(), expected);
  EXPECT_LE(chunk.capacity(), 2 * expected.size());
}

TEST(Chunk, HasNoMoreRoomThanForTheBytesThatItIsMadeOf) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{5} << 20}) {
    std::string bytes(size, 'x');
    Chunk chunk(bytes);
    EXPECT_EQ(chunk.view(), bytes);
    EXPECT_EQ(chunk.capacity(), size);
  }
}

TEST(Chunk, GivesItsBytesAwayWithItsMemory) {
  Chunk chunk(std::string(100, 'x'));
  const char* data = chunk.view().data();
  Chunk other = std::move(chunk);
  EXPECT_EQ(other.view().data(), data);
  EXPECT_EQ(other.size(), 100u);
}

TEST(Chunk, IsWrittenAnewInTheSameMemory) {
  Chunk chunk(std::string(100, 'x'));
  const char* data = chunk.view().data();
  chunk.Clear();
  Append("abc", &chunk);
  EXPECT_EQ(chunk.view(), "abc");
  EXPECT_EQ(chunk.view().data(), data);
}

}  // namespace
}  // namespace rankscope::base
