#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "store/texts/byte_range.h"

namespace rankscope::store {

// A piece of a text of up to kMostBytes, zeros behind it, then its size, then a number that comes with it: 32 bytes, to
// be compared at once.
struct alignas(32) PieceKey {
  static constexpr size_t kMostBytes = 27, kReadBytes = 32;

  std::array<uint64_t, 4> words{};

  // Without a number. REQUIRES size <= kMostBytes and kReadBytes readable ones.
  static PieceKey Of(const char* bytes, size_t size);
  // Of the piece's bytes, not all of them where there are more than 24. REQUIRES the same.
  static uint64_t HashOf(const char* bytes, size_t size);
  bool IsSamePiece(const PieceKey& other) const;

  uint32_t number() const { return static_cast<uint32_t>(words[3] >> 32); }
  PieceKey WithNumber(uint32_t number) const {
    return {{words[0], words[1], words[2], words[3] | uint64_t{number} << 32}};
  }
};

// By size, the bytes of a key that are the piece's, and what the key of a piece without bytes would be.
struct KeyMask {
  PieceKey kept, empty;
};
inline constexpr auto kKeyMasks = [] {
  std::array<KeyMask, PieceKey::kMostBytes + 1> masks{};
  for (size_t size = 0; size < masks.size(); ++size) {
    for (size_t byte = 0; byte < size; ++byte) masks[size].kept.words[byte / 8] |= uint64_t{0xff} << byte % 8 * 8;
    masks[size].empty.words[3] = uint64_t{size} << PieceKey::kMostBytes % 8 * 8;
  }
  return masks;
}();

inline uint64_t WordAt(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// By its first two words and its last one, which lies over these where it is short.
inline uint64_t PieceKey::HashOf(const char* bytes, size_t size) {
  const PieceKey& kept = kKeyMasks[size].kept;
  uint64_t first = WordAt(bytes) & kept.words[0], second = WordAt(bytes + 8) & kept.words[1];
  uint64_t last = WordAt(bytes + std::max<size_t>(size, 8) - 8) & kept.words[0];
  uint64_t hash = (first ^ std::rotl(last, 29) ^ size) * 0x9e3779b97f4a7c15u;
  hash = (hash ^ hash >> 32 ^ second) * 0xd6e8feb86659fd93u;
  return hash ^ hash >> 32;
}

#ifdef __AVX2__
inline __m256i Words(const PieceKey& key) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(key.words.data()));
}

inline PieceKey PieceKey::Of(const char* bytes, size_t size) {
  PieceKey key;
  __m256i piece = _mm256_and_si256(Load32(bytes), Words(kKeyMasks[size].kept));
  _mm256_store_si256(reinterpret_cast<__m256i*>(key.words.data()),
                     _mm256_or_si256(piece, Words(kKeyMasks[size].empty)));
  return key;
}

inline bool PieceKey::IsSamePiece(const PieceKey& other) const {
  constexpr uint32_t kPiece = (uint32_t{1} << (kMostBytes + 1)) - 1;
  auto same = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(Words(*this), Words(other))));
  return (~same & kPiece) == 0;
}
#else
inline PieceKey PieceKey::Of(const char* bytes, size_t size) {
  PieceKey key;
  const auto& [kept, empty] = kKeyMasks[size];
  for (size_t i = 0; i < 4; ++i) key.words[i] = (WordAt(bytes + 8 * i) & kept.words[i]) | empty.words[i];
  return key;
}

inline bool PieceKey::IsSamePiece(const PieceKey& other) const {
  uint64_t differ = (words[3] ^ other.words[3]) << 32;
  for (size_t i = 0; i < 3; ++i) differ |= words[i] ^ other.words[i];
  return differ == 0;
}
#endif

}  // namespace rankscope::store
