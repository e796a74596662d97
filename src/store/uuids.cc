#include "store/uuids.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

namespace rankscope::store {
namespace {

constexpr size_t kUuidDashes[] = {8, 13, 18, 23};
constexpr size_t kUuidsAtATime = 512;

uint8_t Nibble(char c) { return static_cast<uint8_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10); }

// The digits that `part` asks of a UUID whose text begins `shift` characters before it.
struct UuidPattern {
  std::array<uint8_t, kUuidBytes> mask{}, wanted{};
};

bool PatternAt(std::string_view part, size_t shift, UuidPattern* pattern) {
  size_t nibble = 0;
  for (size_t at = 0; at < kUuidText; ++at) {
    bool dash = std::find(std::begin(kUuidDashes), std::end(kUuidDashes), at) != std::end(kUuidDashes);
    if (at >= shift && at < shift + part.size()) {
      char c = part[at - shift];
      bool digit = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
      if (dash ? c != '-' : !digit) return false;
      if (!dash) {
        int move = nibble % 2 == 0 ? 4 : 0;
        pattern->mask[nibble / 2] = static_cast<uint8_t>(pattern->mask[nibble / 2] | 15 << move);
        pattern->wanted[nibble / 2] = static_cast<uint8_t>(pattern->wanted[nibble / 2] | Nibble(c) << move);
      }
    }
    if (!dash) ++nibble;
  }
  return true;
}

void FindPattern(const char* uuids, size_t begin, size_t end, const UuidPattern& pattern,
                 std::vector<uint32_t>* places) {
  uint64_t mask[2], wanted[2];
  std::memcpy(mask, pattern.mask.data(), kUuidBytes);
  std::memcpy(wanted, pattern.wanted.data(), kUuidBytes);
  for (size_t i = begin; i < end; ++i) {
    uint64_t halves[2];
    std::memcpy(halves, uuids + i * kUuidBytes, kUuidBytes);
    if ((((halves[0] & mask[0]) ^ wanted[0]) | ((halves[1] & mask[1]) ^ wanted[1])) == 0) {
      places->push_back(static_cast<uint32_t>(i));
    }
  }
}

}  // namespace

void WriteUuid(const char* bytes, char* text) {
  for (size_t at = 0; at < kUuidBytes; ++at) {
    auto byte = static_cast<uint8_t>(bytes[at]);
    *text++ = "0123456789abcdef"[byte >> 4];
    *text++ = "0123456789abcdef"[byte & 15];
    if (at == 3 || at == 5 || at == 7 || at == 9) *text++ = '-';
  }
}

void FindInUuids(std::string_view uuids, std::string_view part, std::vector<uint32_t>* places) {
  std::vector<UuidPattern> patterns;
  for (size_t shift = 0; shift + part.size() <= kUuidText; ++shift) {
    UuidPattern pattern;
    if (PatternAt(part, shift, &pattern)) patterns.push_back(pattern);
  }
  size_t count = uuids.size() / kUuidBytes;
  // A few hundred at a time, so that all patterns find them in the nearest cache.
  for (size_t begin = 0; begin < count; begin += kUuidsAtATime) {
    size_t end = std::min(count, begin + kUuidsAtATime), before = places->size();
    for (const UuidPattern& pattern : patterns) FindPattern(uuids.data(), begin, end, pattern, places);
    auto first = places->begin() + static_cast<long>(before);
    std::sort(first, places->end());
    places->erase(std::unique(first, places->end()), places->end());
  }
}

}  // namespace rankscope::store
