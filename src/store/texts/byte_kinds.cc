#include "store/texts/byte_kinds.h"

#include "store/texts/byte_range.h"

namespace rankscope::store {
namespace {

#ifdef __AVX2__
using Bytes = __m256i;

Bytes Load(const char* bytes) { return Load32(bytes); }

uint32_t BitsOf(Bytes bytes, char first, char last) {
  return static_cast<uint32_t>(_mm256_movemask_epi8(Within(bytes, first, last)));
}
#else
using Bytes = const char*;

Bytes Load(const char* bytes) { return bytes; }

uint32_t BitsOf(Bytes bytes, char first, char last) {
  uint32_t bits = 0;
  for (size_t i = 0; i < kKindsWindow; ++i) bits |= uint32_t{bytes[i] >= first && bytes[i] <= last} << i;
  return bits;
}
#endif

}  // namespace

ByteKinds KindsOf(const char* bytes) {
  Bytes all = Load(bytes);
  return {BitsOf(all, '0', '9'), BitsOf(all, 'a', 'z'), BitsOf(all, 'A', 'Z'), BitsOf(all, 'a', 'f'),
          BitsOf(all, 'A', 'F')};
}

}  // namespace rankscope::store
