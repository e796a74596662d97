#include "diagnose/case/line_shape.h"

#include <algorithm>
#include <array>
#include <cstring>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace rankscope::diagnose {
namespace {

constexpr size_t kWord = 8;
constexpr size_t kMargin = 8;  // bytes on either side that a number's end may depend on
constexpr size_t kStep = 48;   // bytes of a window of 64
constexpr uint64_t kMix = 0x9E3779B97F4A7C15;

// A bit for each of 64 bytes.
struct Classes {
  uint64_t digits = 0, joints = 0;
};

#ifdef __AVX2__
// The bits of the 32 bytes that lie in first … first + count - 1.
uint32_t InRange(const char* bytes, char first, char count) {
  __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  __m256i above = _mm256_sub_epi8(text, _mm256_set1_epi8(first));
  __m256i least = _mm256_min_epu8(above, _mm256_set1_epi8(static_cast<char>(count - 1)));
  return static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(above, least)));
}

Classes ClassesOf(const char* bytes) {
  uint64_t digits = InRange(bytes, '0', 10) | uint64_t{InRange(bytes + 32, '0', 10)} << 32;
  uint64_t either = InRange(bytes, ',', 15) | uint64_t{InRange(bytes + 32, ',', 15)} << 32;  // ,-./0123456789:
  return {digits, either & ~digits};
}
#else
Classes ClassesOf(const char* bytes) {
  Classes classes;
  for (size_t i = 0; i < 64; ++i) {
    bool digit = bytes[i] >= '0' && bytes[i] <= '9';
    bool joint = bytes[i] >= ',' && bytes[i] <= ':' && !digit;
    classes.digits |= uint64_t{digit} << i;
    classes.joints |= uint64_t{joint} << i;
  }
  return classes;
}
#endif

// The digits of numbers that change from line to line.
uint64_t Changing(const Classes& classes) {
  uint64_t digits = classes.digits;
  uint64_t three = digits & digits >> 1 & digits >> 2;
  uint64_t joined = classes.joints & digits << 1 & digits >> 1;
  uint64_t beside = digits & (joined << 1 | joined >> 1);
  beside |= digits & (beside << 1 | beside >> 1);
  return three | three << 1 | three << 2 | beside;
}

// The word without the bytes whose bits are set.
uint64_t Without(uint64_t word, uint64_t bits) {
  uint64_t spread = (bits & 0xFF) * 0x0101010101010101 & 0x8040201008040201;
  uint64_t set = ((spread & 0x7F7F7F7F7F7F7F7F) + 0x7F7F7F7F7F7F7F7F) | spread;
  return word & ~(((set & 0x8080808080808080) >> 7) * 0xFF);
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsWordAt(std::string_view line, size_t at, std::string_view word) {
  for (size_t i = 0; i < word.size(); ++i) {
    if ((line[at + i] | 0x20) != word[i]) return false;
  }
  bool begins = at == 0 || !IsLetter(line[at - 1]);
  return begins && (at + word.size() == line.size() || !IsLetter(line[at + word.size()]));
}

}  // namespace

LineShape ShapeOf(std::string_view line) {
  std::array<char, kMargin + kMostShapeBytes + 2 * 64> bytes;
  size_t size = std::min(line.size(), kMostShapeBytes);
  std::memset(bytes.data(), 0, kMargin);
  std::memcpy(bytes.data() + kMargin, line.data(), size);
  std::memset(bytes.data() + kMargin + size, 0, 128);
  uint64_t exact = size, kind = 0;
  for (size_t at = 0; at < size; at += kStep) {
    Classes classes = ClassesOf(bytes.data() + at);
    uint64_t changing = Changing(classes) >> kMargin, digits = classes.digits >> kMargin;
    for (size_t i = 0; i < kStep; i += kWord) {
      uint64_t word = 0;
      std::memcpy(&word, bytes.data() + kMargin + at + i, sizeof word);
      exact = (exact ^ Without(word, changing >> i)) * kMix;
      exact ^= exact >> 29;
      kind = (kind ^ Without(word, digits >> i)) * kMix;
      kind ^= kind >> 31;
    }
  }
  return {exact, static_cast<uint32_t>(kind >> 16)};
}

bool HasNonFinite(std::string_view line) {
  for (size_t i = 0; i + 2 < line.size(); ++i) {
    if ((line[i + 1] | 0x20) == 'a' && IsWordAt(line, i, "nan")) return true;
    if ((line[i + 1] | 0x20) == 'n' && IsWordAt(line, i, "inf")) return true;
  }
  return false;
}

}  // namespace rankscope::diagnose
