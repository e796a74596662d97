#include "base/coding.h"

#include <gtest/gtest.h>

#include <limits>

namespace rankscope::base {
namespace {

TEST(Coding, RoundTripsEveryWidth) {
  std::string bytes;
  PutVarint(&bytes, std::numeric_limits<uint64_t>::max());
  PutSigned(&bytes, std::numeric_limits<int64_t>::min());
  PutSigned(&bytes, -1);
  PutFixed32(&bytes, 7);
  PutFixed64(&bytes, 8);
  PutDouble(&bytes, 2.5);
  PutString(&bytes, "rank 7");
  ByteReader in(bytes);
  EXPECT_EQ(in.Varint(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(in.Signed(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(in.Signed(), -1);
  EXPECT_EQ(in.Fixed32(), 7u);
  EXPECT_EQ(in.Fixed64(), 8u);
  EXPECT_EQ(in.Double(), 2.5);
  EXPECT_EQ(in.String(), "rank 7");
  EXPECT_TRUE(in.ok() && in.empty());
}

TEST(Coding, ChecksumOfTwoIsThatOfBothBehindEachOther) {
  for (size_t size : {0, 1, 16, 240, 241, 1024, 5000}) {
    std::string bytes(size, 'x');
    for (size_t cut : {size_t{0}, size / 3, size}) {
      std::string_view whole = bytes;
      EXPECT_EQ(Checksum(whole.substr(0, cut), whole.substr(cut), 7), Checksum(whole, 7)) << size << " " << cut;
    }
  }
}

TEST(Coding, EveryPrefixOfAStringFailsWithoutReadingOn) {
  std::string bytes;
  PutString(&bytes, std::string(300, 'x'));
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    ByteReader in(std::string_view(bytes).substr(0, cut));
    EXPECT_TRUE(in.String().empty());
    EXPECT_FALSE(in.ok());
  }
}

}  // namespace
}  // namespace rankscope::base
