#include "base/sqlite_log.h"

#include <cstddef>
#include <cstdint>

namespace rankscope::base {
namespace {

constexpr uint32_t kMagic = 0x377f0682;  // one more: the checksums are of big-endian words
constexpr size_t kHeaderBytes = 32, kFrameHeaderBytes = 24, kSaltsBytes = 8, kSummedOfFrame = 8;
constexpr size_t kLeastPage = 512, kLargestPage = 65536;

uint32_t BigEndian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

uint32_t LittleEndian(std::string_view bytes, size_t at) { return __builtin_bswap32(BigEndian(bytes, at)); }

// Goes on from frame to frame.
class Checksum {
 public:
  explicit Checksum(bool big_endian) : word_(big_endian ? BigEndian : LittleEndian) {}
  // REQUIRES a multiple of 8 bytes.
  void Add(std::string_view bytes) {
    for (size_t at = 0; at < bytes.size(); at += 8) {
      first_ += word_(bytes, at) + second_;
      second_ += word_(bytes, at + 4) + first_;
    }
  }
  bool Is(std::string_view stored) const { return BigEndian(stored, 0) == first_ && BigEndian(stored, 4) == second_; }

 private:
  uint32_t (*word_)(std::string_view, size_t);
  uint32_t first_ = 0, second_ = 0;
};

class Log {
 public:
  explicit Log(std::string_view bytes)
      : bytes_(bytes), page_bytes_(BigEndian(bytes, 8)), sum_(BigEndian(bytes, 0) == kMagic + 1) {}

  bool TakeHeader() {
    sum_.Add(bytes_.substr(0, kHeaderBytes - 8));
    bool page = page_bytes_ >= kLeastPage && page_bytes_ <= kLargestPage && (page_bytes_ & (page_bytes_ - 1)) == 0;
    return (BigEndian(bytes_, 0) & ~1U) == kMagic && page && sum_.Is(bytes_.substr(kHeaderBytes - 8));
  }

  size_t count() const { return (bytes_.size() - kHeaderBytes) / FrameBytes(); }

  // Whether it is of this log, and not of the one before.
  bool IsOurs(size_t frame) const { return Frame(frame).substr(8, kSaltsBytes) == bytes_.substr(16, kSaltsBytes); }
  bool Commits(size_t frame) const { return IsOurs(frame) && BigEndian(Frame(frame), 4) != 0; }
  // In order.
  bool TakeFrame(size_t frame) {
    std::string_view bytes = Frame(frame);
    sum_.Add(bytes.substr(0, kSummedOfFrame));
    sum_.Add(bytes.substr(kFrameHeaderBytes));
    return IsOurs(frame) && sum_.Is(bytes.substr(16));
  }

 private:
  size_t FrameBytes() const { return kFrameHeaderBytes + page_bytes_; }
  std::string_view Frame(size_t frame) const {
    return bytes_.substr(kHeaderBytes + frame * FrameBytes(), FrameBytes());
  }

  const std::string_view bytes_;
  const size_t page_bytes_;
  Checksum sum_;
};

// Each commit is on the disk before the next one begins: where two end behind it, it was whole.
constexpr int kCommitsThatProve = 2;

}  // namespace

std::string FindLogDamage(std::string_view bytes) {
  if (bytes.size() <= kHeaderBytes) return "";
  Log log(bytes);
  if (!log.TakeHeader()) return "its header does not hold: nothing in it can be read";
  size_t frame = 0;
  while (frame < log.count() && log.TakeFrame(frame)) ++frame;
  int commits = 0;
  for (size_t behind = frame; behind < log.count(); ++behind) commits += log.Commits(behind) ? 1 : 0;
  if (commits < kCommitsThatProve) return "";
  return "frame " + std::to_string(frame + 1) + " of " + std::to_string(log.count()) +
         " does not hold: what was committed from there on cannot be read";
}

}  // namespace rankscope::base
