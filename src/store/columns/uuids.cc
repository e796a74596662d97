#include "store/columns/uuids.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

namespace rankscope::store {
namespace {

constexpr size_t kUuidDashes[] = {8, 13, 18, 23};
constexpr size_t kUuidsAtATime = 512;
constexpr int kFewestBits = 6, kMostBits = 17;  // of a place among signatures
constexpr size_t kPlacesAUuid = 32;             // it takes one of each four to nine
constexpr char kWholeByte = static_cast<char>(0xff);

uint8_t Nibble(char c) { return static_cast<uint8_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10); }

}  // namespace

void WriteUuid(const char* bytes, char* text) {
  for (size_t at = 0; at < kUuidBytes; ++at) {
    auto byte = static_cast<uint8_t>(bytes[at]);
    *text++ = "0123456789abcdef"[byte >> 4];
    *text++ = "0123456789abcdef"[byte & 15];
    if (at == 3 || at == 5 || at == 7 || at == 9) *text++ = '-';
  }
}

UuidSignatures::UuidSignatures(size_t count)
    : bits_(std::clamp(static_cast<int>(std::bit_width(count * kPlacesAUuid)), kFewestBits, kMostBits)),
      sets_(size_t{1} << bits_) {}

size_t UuidSignatures::PlaceOf(const char* uuid, const Span& span) const {
  uint64_t value = span.begin << 8 | span.bytes;
  for (size_t at = span.begin; at < span.begin + span.bytes; ++at) value = value << 8 | static_cast<uint8_t>(uuid[at]);
  return value * 0x9e3779b97f4a7c15u >> (64 - bits_);  // the golden ratio's: Fibonacci hashing
}

void UuidSignatures::Add(size_t set, std::string_view uuids) {
  for (size_t at = 0; at + kUuidBytes <= uuids.size(); at += kUuidBytes) {
    for (const Span& span : kSpans) sets_[PlaceOf(uuids.data() + at, span)] |= uint64_t{1} << set;
  }
}

UuidSearch::UuidSearch(std::string_view part) {
  for (size_t shift = 0; shift + part.size() <= kUuidText; ++shift) {
    Pattern pattern;
    if (PatternAt(part, shift, &pattern)) patterns_.push_back(pattern);
  }
}

bool UuidSearch::PatternAt(std::string_view part, size_t shift, Pattern* pattern) {
  size_t nibble = 0;
  for (size_t at = 0; at < kUuidText; ++at) {
    bool dash = std::find(std::begin(kUuidDashes), std::end(kUuidDashes), at) != std::end(kUuidDashes);
    if (at >= shift && at < shift + part.size()) {
      char c = part[at - shift];
      bool digit = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
      if (dash ? c != '-' : !digit) return false;
      if (!dash) {
        int move = nibble % 2 == 0 ? 4 : 0;
        pattern->mask[nibble / 2] = static_cast<char>(pattern->mask[nibble / 2] | 15 << move);
        pattern->wanted[nibble / 2] = static_cast<char>(pattern->wanted[nibble / 2] | Nibble(c) << move);
      }
    }
    if (!dash) ++nibble;
  }
  return true;
}

void UuidSearch::FindPattern(const char* uuids, size_t begin, size_t end, const Pattern& pattern,
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

void UuidSearch::Find(std::string_view uuids, std::vector<uint32_t>* places) const {
  size_t count = uuids.size() / kUuidBytes;
  // A few hundred at a time, so that all patterns find them in the nearest cache.
  for (size_t begin = 0; begin < count; begin += kUuidsAtATime) {
    size_t end = std::min(count, begin + kUuidsAtATime), before = places->size();
    for (const Pattern& pattern : patterns_) FindPattern(uuids.data(), begin, end, pattern, places);
    auto first = places->begin() + static_cast<long>(before);
    std::sort(first, places->end());
    places->erase(std::unique(first, places->end()), places->end());
  }
}

uint64_t UuidSearch::SetsThatMayHold(const UuidSignatures& signatures) const {
  uint64_t sets = 0;
  for (const Pattern& pattern : patterns_) {
    uint64_t of_pattern = ~uint64_t{0};
    for (const auto& span : UuidSignatures::kSpans) {
      const char* mask = pattern.mask.data() + span.begin;
      bool whole = std::all_of(mask, mask + span.bytes, [](char byte) { return byte == kWholeByte; });
      if (whole) of_pattern &= signatures.SetsWith(pattern.wanted.data(), span);
    }
    sets |= of_pattern;
  }
  return sets;
}

}  // namespace rankscope::store
