#pragma once

#ifdef __AVX2__
#include <immintrin.h>

namespace rankscope::store {

inline __m256i Load32(const char* bytes) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)); }

// Ones in each byte that is `first` to `last`: moved so that `first` is 0 these are unsigned numbers up to their
// distance.
inline __m256i Within(__m256i bytes, int first, int last) {
  __m256i moved = _mm256_sub_epi8(bytes, _mm256_set1_epi8(static_cast<char>(first)));
  return _mm256_cmpeq_epi8(_mm256_min_epu8(moved, _mm256_set1_epi8(static_cast<char>(last - first))), moved);
}

}  // namespace rankscope::store
#endif
