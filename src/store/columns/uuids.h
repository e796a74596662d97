#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rankscope::store {

// UUIDs as they lie in a column, one after the other.
constexpr size_t kUuidBytes = 16, kUuidText = 36;

// Writes the kUuidText characters of one: 8-4-4-4-12 of [0-9a-f].
void WriteUuid(const char* bytes, char* text);

// Which of up to 64 sets of UUIDs may hold one with some digits in its middle: signatures of the three groups of four
// there and of these with their neighbours, a word for each value with a bit for each set, so that one look tells of
// all sets. At most 1 MiB.
class UuidSignatures {
 public:
  static constexpr size_t kSets = 64;
  // What is signed: bytes of a UUID, from where they begin.
  struct Span {
    size_t begin, bytes;
  };
  static constexpr Span kSpans[] = {{4, 2}, {6, 2}, {8, 2}, {2, 4}, {4, 4}, {6, 4}, {8, 4}};

  // `count`, of the set that has the most: more than there are make it larger, less make it tell less.
  explicit UuidSignatures(size_t count);
  // REQUIRES set < kSets.
  void Add(size_t set, std::string_view uuids);
  // A bit for each set that may hold a UUID with these bytes in the span. `uuid`: only those count.
  uint64_t SetsWith(const char* uuid, const Span& span) const { return sets_[PlaceOf(uuid, span)]; }
  size_t Memory() const { return sizeof *this + sets_.size() * sizeof(uint64_t); }

 private:
  size_t PlaceOf(const char* uuid, const Span& span) const;

  int bits_;
  std::vector<uint64_t> sets_;  // 2^bits_
};

// A part of a text, of any case, that is looked for in UUIDs. Any thread.
class UuidSearch {
 public:
  explicit UuidSearch(std::string_view part);

  // Appends, ascending, the places of those whose text holds it.
  void Find(std::string_view uuids, std::vector<uint32_t>* places) const;
  // A bit for each set that may have a UUID that holds it.
  uint64_t SetsThatMayHold(const UuidSignatures& signatures) const;

 private:
  // The digits that it asks of a UUID, for one place in the text.
  struct Pattern {
    std::array<char, kUuidBytes> mask{}, wanted{};
  };
  static bool PatternAt(std::string_view part, size_t shift, Pattern* pattern);
  static void FindPattern(const char* uuids, size_t begin, size_t end, const Pattern& pattern,
                          std::vector<uint32_t>* places);

  std::vector<Pattern> patterns_;
};

}  // namespace rankscope::store
