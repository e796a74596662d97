#include "query/write_double.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace rankscope::query {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr int kFractionBits = 52, kExponentBias = 1075;
constexpr uint64_t kHiddenBit = uint64_t{1} << kFractionBits;
constexpr double kLeast = 0.1, kMost = 1e15;

constexpr std::array<uint64_t, 20> kPowers = [] {
  std::array<uint64_t, 20> powers{1};
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

struct Decimal {
  uint64_t digits;
  int exponent;
};

// The shortest decimal that is read as significand * 2^exponent, the nearest to it of those: R. Giulietti, "The
// Schubfach way to render doubles". In this range the power of ten is exact, and the product has less than 128 bits.
// REQUIRES -60 <= exponent <= -3.
Decimal Shortest(uint64_t significand, int exponent) {
  // Below a power of two the next double is only half as far.
  bool closer_below = significand == kHiddenBit;
  int scale = (exponent * 1262611 - (closer_below ? 524031 : 0)) >> 22;  // floor(log10) of the distance
  uint64_t power = kPowers[static_cast<size_t>(-scale)];
  auto shift = static_cast<unsigned>(-exponent);
  // In quarters of 10^scale, odd where something was cut off.
  auto scaled = [&](uint64_t quarters) {
    Wide product = Wide{quarters} * power;
    bool rest = (product & ((Wide{1} << shift) - 1)) != 0;
    return static_cast<uint64_t>(product >> shift) | (rest ? 1 : 0);
  };
  uint64_t open = significand & 1;  // an odd one's neighbours have what lies half way
  uint64_t value = scaled(4 * significand);
  uint64_t low = scaled(4 * significand - (closer_below ? 1 : 2)) + open, high = scaled(4 * significand + 2) - open;
  uint64_t tens = value / 40;
  bool below = low <= 40 * tens, above = 40 * tens + 40 <= high;
  if (below != above) return {tens + (above ? 1 : 0), scale + 1};
  uint64_t ones = value / 4;
  below = low <= 4 * ones;
  above = 4 * ones + 4 <= high;
  if (below != above) return {ones + (above ? 1 : 0), scale};
  uint64_t half = 4 * ones + 2;
  bool up = value > half || (value == half && (ones & 1) != 0);
  return {ones + (up ? 1 : 0), scale};
}

void DropZeros(Decimal* decimal) {
  while (decimal->digits % 10 == 0) {
    decimal->digits /= 10;
    ++decimal->exponent;
  }
}

}  // namespace

char* WriteDouble(double value, char* at) {
  auto plain = [&] { return std::to_chars(at, at + kMostDoubleBytes, value).ptr; };
  if (value == 0 && std::signbit(value)) {
    for (char c : {'-', '0', '.', '0'}) *at++ = c;  // "-0" would be read as the integer 0
    return at;
  }
  double size = std::fabs(value);
  if (!(size >= kLeast && size < kMost)) return plain();
  auto bits = std::bit_cast<uint64_t>(size);
  Decimal decimal =
      Shortest((bits & (kHiddenBit - 1)) | kHiddenBit, static_cast<int>(bits >> kFractionBits) - kExponentBias);
  DropZeros(&decimal);
  // An integer may be shorter with an exponent.
  if (decimal.exponent >= 0) return plain();
  if (value < 0) *at++ = '-';
  auto decimals = static_cast<size_t>(-decimal.exponent);
  char text[24];
  auto count = static_cast<size_t>(std::to_chars(text, text + sizeof text, decimal.digits).ptr - text);
  if (count <= decimals) {
    // From 0.1 on no zeros come between.
    *at++ = '0';
    *at++ = '.';
    std::memcpy(at, text, sizeof text);
    return at + count;
  }
  size_t whole = count - decimals;
  std::memcpy(at, text, sizeof text);
  at[whole] = '.';
  std::memcpy(at + whole + 1, text + whole, decimals);
  return at + count + 1;
}

}  // namespace rankscope::query
