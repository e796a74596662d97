#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace rankscope::store {

#ifdef __AVX2__
inline __m256i Load32(const char* bytes) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)); }

// Ones in each byte that is `first` to `last`: moved so that `first` is 0 these are unsigned numbers up to their
// distance.
inline __m256i Within(__m256i bytes, int first, int last) {
  __m256i moved = _mm256_sub_epi8(bytes, _mm256_set1_epi8(static_cast<char>(first)));
  return _mm256_cmpeq_epi8(_mm256_min_epu8(moved, _mm256_set1_epi8(static_cast<char>(last - first))), moved);
}
#endif

// A bit for each of the 64 bytes that is `first` to `last`.
inline uint64_t BitsWithin(const char* bytes, int first, int last) {
#ifdef __AVX2__
  auto low = static_cast<uint32_t>(_mm256_movemask_epi8(Within(Load32(bytes), first, last)));
  auto high = static_cast<uint32_t>(_mm256_movemask_epi8(Within(Load32(bytes + 32), first, last)));
  return uint64_t{high} << 32 | low;
#else
  uint64_t bits = 0;
  for (size_t i = 0; i < 64; ++i) {
    auto byte = static_cast<unsigned char>(bytes[i]);
    bits |= uint64_t{byte >= first && byte <= last} << i;
  }
  return bits;
#endif
}

}  // namespace rankscope::store
