#include "store/texts/byte_kinds.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace rankscope::store {
namespace {

#ifdef __AVX2__
using Bytes = __m256i;

Bytes Load(const char* bytes) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)); }

// Moved so that `first` is 0, those up to `last` are unsigned numbers up to their distance.
uint32_t Within(Bytes bytes, char first, char last) {
  __m256i moved = _mm256_sub_epi8(bytes, _mm256_set1_epi8(first));
  __m256i nearest = _mm256_min_epu8(moved, _mm256_set1_epi8(static_cast<char>(last - first)));
  return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(nearest, moved)));
}
#else
using Bytes = const char*;

Bytes Load(const char* bytes) { return bytes; }

uint32_t Within(Bytes bytes, char first, char last) {
  uint32_t bits = 0;
  for (size_t i = 0; i < kKindsWindow; ++i) bits |= uint32_t{bytes[i] >= first && bytes[i] <= last} << i;
  return bits;
}
#endif

}  // namespace

ByteKinds KindsOf(const char* bytes) {
  Bytes all = Load(bytes);
  return {Within(all, '0', '9'), Within(all, 'a', 'z'), Within(all, 'A', 'Z'), Within(all, 'a', 'f'),
          Within(all, 'A', 'F')};
}

}  // namespace rankscope::store
