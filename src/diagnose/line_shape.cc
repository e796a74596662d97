#include "diagnose/line_shape.h"

#include <algorithm>
#include <cstring>

namespace rankscope::diagnose {
namespace {

constexpr size_t kShapeBytes = 256;
constexpr uint64_t kLow = 0x0101010101010101;
constexpr uint64_t kHigh = 0x8080808080808080;
constexpr uint64_t kMix = 0x9E3779B97F4A7C15;

// Eight bytes, those from '0' to '?' as zero.
uint64_t WithoutDigits(uint64_t bytes) {
  uint64_t differs = (bytes & kLow * 0xF0) ^ kLow * 0x30;  // zero where the high half is 3
  uint64_t other = ((differs & ~kHigh) + ~kHigh) | differs;
  return bytes & (((other & kHigh) >> 7) * 0xFF);
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool IsWord(std::string_view line, size_t at, size_t size) {
  bool begins = at == 0 || !IsLetter(line[at - 1]);
  return begins && (at + size == line.size() || !IsLetter(line[at + size]));
}

// Where `word`, of three letters in lower case, may stand: a loop that the compiler makes vectors of.
bool MayHave(std::string_view line, const char* word) {
  bool found = false;
  for (size_t i = 0; i + 2 < line.size(); ++i) {
    found |= (((line[i] | 0x20) ^ word[0]) | ((line[i + 1] | 0x20) ^ word[1]) | ((line[i + 2] | 0x20) ^ word[2])) == 0;
  }
  return found;
}

bool HasWord(std::string_view line, const char* word) {
  if (!MayHave(line, word)) return false;
  for (size_t i = 0; i + 2 < line.size(); ++i) {
    bool here = (line[i] | 0x20) == word[0] && (line[i + 1] | 0x20) == word[1] && (line[i + 2] | 0x20) == word[2];
    if (here && IsWord(line, i, 3)) return true;
  }
  return false;
}

}  // namespace

uint32_t ShapeOf(std::string_view line) {
  line = line.substr(0, kShapeBytes);
  uint64_t hash = 0;
  while (!line.empty()) {
    uint64_t bytes = 0;
    size_t size = std::min<size_t>(line.size(), sizeof bytes);
    std::memcpy(&bytes, line.data(), size);
    hash = (hash ^ WithoutDigits(bytes)) * kMix;
    hash ^= hash >> 32;
    line.remove_prefix(size);
  }
  return static_cast<uint32_t>(hash);
}

bool HasNonFinite(std::string_view line) { return HasWord(line, "nan") || HasWord(line, "inf"); }

}  // namespace rankscope::diagnose
