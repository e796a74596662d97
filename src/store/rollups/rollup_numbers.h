#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankscope::store {

// What the numbers of one field come to in each of some cells. A sum has the 64 bits that it was added up with, so that
// an answer is the same to the last digit whether it was made from rows or from these.
struct RollupNumbers {
  bool whole = false;  // all are integers, and so are their sums
  std::vector<long double> sums, lows, highs;
};

// False: they cannot be kept as they are, and nothing was appended.
bool EncodeRollupNumbers(const RollupNumbers& numbers, std::string* out);

enum class RollupPart : uint8_t { kSums, kLows, kHighs };
constexpr uint32_t kRollupParts = 3;
// One of these, of some cells, or of none.
struct RollupColumn {
  bool whole = false;
  std::vector<long double> values;
  size_t Memory() const { return sizeof *this + values.size() * sizeof(long double); }
};
// That part alone of `count` cells. False when the bytes are not that.
bool DecodeRollupNumbers(std::string_view bytes, size_t count, RollupPart part, RollupColumn* column);

}  // namespace rankscope::store
