#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "store/texts/byte_range.h"

namespace rankscope::store {

// Runs of bytes that may be in words (model/words.h): digits, letters, _ and all that is not ASCII, 64 bytes at a time.
// Each word lies within one run.
constexpr size_t kRunWindow = 64;

// A bit for each of the bytes, whether it may be in a word. REQUIRES kRunWindow readable ones.
#ifdef __AVX2__
// The bits of the 32 bytes that may be in words: digits, letters, _ and all that is not ASCII. A byte's halves name the
// kinds of rows and columns of the ASCII table that have some; it is one where both name the same.
inline uint32_t RunBits32(const char* bytes) {
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
  __m256i text = Load32(bytes);
  __m256i high = _mm256_and_si256(_mm256_srli_epi16(text, 4), _mm256_set1_epi8(15));
  __m256i kinds = _mm256_and_si256(_mm256_shuffle_epi8(columns, text), _mm256_shuffle_epi8(rows, high));
  auto none = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(kinds, _mm256_setzero_si256())));
  return ~none | static_cast<uint32_t>(_mm256_movemask_epi8(text));
}

inline uint64_t RunBits(const char* bytes) { return uint64_t{RunBits32(bytes + 32)} << 32 | RunBits32(bytes); }
#else
uint64_t RunBits(const char* bytes);
#endif

// A bit for each of them at which a character begins that is a word of its own: kana and nearly all Han characters,
// three bytes each. Of what is no word point it may say so too. REQUIRES two more readable ones.
uint64_t IdeographBits(const char* bytes);

// Calls take(begin, end), offsets, for each run of the text. REQUIRES kRunWindow zeros behind it.
template <typename Take>
void ForEachRun(const char* text, size_t size, const Take& take) {
  size_t begin = 0;
  uint64_t before = 0;  // whether the byte before the window is in a run
  for (size_t at = 0; at < size + 1; at += kRunWindow) {
    uint64_t bits = RunBits(text + at);
    for (uint64_t borders = bits ^ (bits << 1 | before); borders != 0; borders &= borders - 1) {
      size_t border = at + static_cast<size_t>(std::countr_zero(borders));
      bool begins = bits >> (border - at) & 1;
      if (!begins) take(begin, border);
      begin = border;
    }
    before = bits >> (kRunWindow - 1);
  }
}

}  // namespace rankscope::store
