#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::base {

// Byte coding for files and frames: little-endian fixed integers, LEB128
// varints, zigzag for signed ones, length-prefixed strings.

void PutFixed32(std::string* out, uint32_t value);
void PutFixed64(std::string* out, uint64_t value);
// The Write functions return where the next one goes on. REQUIRES room for kMaxVarintBytes.
constexpr size_t kMaxVarintBytes = 10;
inline char* WriteVarint(char* at, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<char>(value | 0x80);
  *at++ = static_cast<char>(value);
  return at;
}
inline char* WriteSigned(char* at, int64_t value) {
  return WriteVarint(at, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}
inline char* WriteDouble(char* at, double value) {
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}
inline void PutVarint(std::string* out, uint64_t value) {
  char bytes[kMaxVarintBytes];
  out->append(bytes, static_cast<size_t>(WriteVarint(bytes, value) - bytes));
}
inline void PutSigned(std::string* out, int64_t value) {
  char bytes[kMaxVarintBytes];
  out->append(bytes, static_cast<size_t>(WriteSigned(bytes, value) - bytes));
}
void PutDouble(std::string* out, double value);
void PutString(std::string* out, std::string_view value);

// Reads what the Put functions wrote. After the first read past the end every
// further read gives zero or empty and ok() is false, so that a decoder checks once.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  uint8_t Byte() {
    if (rest_.empty()) {
      Fail();
      return 0;
    }
    auto value = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  uint32_t Fixed32();
  uint64_t Fixed64();
  uint64_t Varint() {
    if (!rest_.empty() && static_cast<uint8_t>(rest_.front()) < 0x80) return Byte();
    return LongVarint();
  }
  int64_t Signed() {
    uint64_t value = Varint();
    return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }
  double Double();
  // A view into the bytes given to the constructor.
  std::string_view String() { return Bytes(Varint()); }
  std::string_view Bytes(size_t count) {
    if (count > rest_.size()) {
      Fail();
      return {};
    }
    std::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }

  bool ok() const { return ok_; }
  bool empty() const { return rest_.empty(); }
  size_t remaining() const { return rest_.size(); }
  // Marks the input as malformed, for checks of the caller's own.
  void Fail() {
    ok_ = false;
    rest_ = {};
  }

 private:
  uint64_t LongVarint();

  std::string_view rest_;
  bool ok_ = true;
};

// XXH3, 64 bits, of the bytes.
uint64_t Checksum(std::string_view bytes, uint64_t seed = 0);
// Of the two behind each other.
uint64_t Checksum(std::string_view head, std::string_view body, uint64_t seed);

}  // namespace rankscope::base
