#include "store/word_runs.h"

#include "model/words.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace rankscope::store {
#ifdef __AVX2__
namespace {

// The bits of the 32 bytes that may be in words: digits, letters, _ and all that is not ASCII. A byte's halves name the
// kinds of rows and columns of the ASCII table that have some; it is one where both name the same.
uint32_t RunBits32(const char* bytes) {
  constexpr char kDigits = 1, kAToO = 2, kPToZ = 4, kUnderscore = 8;
  const __m256i columns = _mm256_setr_epi8(
      kDigits | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ,
      kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ,
      kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kAToO | kPToZ, kAToO, kAToO, kAToO, kAToO, kAToO | kUnderscore,
      kDigits | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ,
      kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ,
      kDigits | kAToO | kPToZ, kDigits | kAToO | kPToZ, kAToO | kPToZ, kAToO, kAToO, kAToO, kAToO, kAToO | kUnderscore);
  const __m256i rows =
      _mm256_setr_epi8(0, 0, 0, kDigits, kAToO, kPToZ | kUnderscore, kAToO, kPToZ, 0, 0, 0, 0, 0, 0, 0, 0,  //
                       0, 0, 0, kDigits, kAToO, kPToZ | kUnderscore, kAToO, kPToZ, 0, 0, 0, 0, 0, 0, 0, 0);
  __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  __m256i high = _mm256_and_si256(_mm256_srli_epi16(text, 4), _mm256_set1_epi8(15));
  __m256i kinds = _mm256_and_si256(_mm256_shuffle_epi8(columns, text), _mm256_shuffle_epi8(rows, high));
  auto none = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(kinds, _mm256_setzero_si256())));
  return ~none | static_cast<uint32_t>(_mm256_movemask_epi8(text));
}

}  // namespace

uint64_t RunBits(const char* bytes) { return uint64_t{RunBits32(bytes + 32)} << 32 | RunBits32(bytes); }
#else
uint64_t RunBits(const char* bytes) {
  uint64_t bits = 0;
  for (size_t i = 0; i < kRunWindow; ++i) {
    auto byte = static_cast<unsigned char>(bytes[i]);
    bool in_word = byte >= model::kFoldedAscii.size() || model::kFoldedAscii[byte] != '\0';
    bits |= uint64_t{in_word} << i;
  }
  return bits;
}
#endif

}  // namespace rankscope::store
