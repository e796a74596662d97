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

// Which groups of four digits, the three middle ones of each, there are among UUIDs: at most 8 KiB.
class UuidGroups {
 public:
  // REQUIRES `count`, of those that will be added: more than there are make it larger, less make it tell less.
  explicit UuidGroups(size_t count);
  void Add(std::string_view uuids);
  // Whether there may be one. `group`: two bytes as they lie in a UUID.
  bool MayHave(const char* group) const;
  size_t Memory() const { return sizeof *this + words_.size() * sizeof(uint64_t); }

 private:
  size_t BitOf(const char* group) const;

  std::vector<uint64_t> words_;  // a power of two of them; bits by the group's last digits
};

// A part of a text, of any case, that is looked for in UUIDs. Any thread.
class UuidSearch {
 public:
  explicit UuidSearch(std::string_view part);

  // Appends, ascending, the places of those whose text holds it.
  void Find(std::string_view uuids, std::vector<uint32_t>* places) const;
  // Whether UUIDs with these groups may hold it.
  bool MayBeAmong(const UuidGroups& groups) const;

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
