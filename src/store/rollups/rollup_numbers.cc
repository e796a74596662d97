#include "store/rollups/rollup_numbers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "base/coding.h"
#include "model/record_view.h"
#include "store/columns/integer_column.h"

namespace rankscope::store {
namespace {

enum Sort : uint8_t { kIntegers, kDecimals, kDoubles, kSorts };

constexpr int kMaxScale = 15;
constexpr int64_t kExact = int64_t{1} << 53;  // integers below it are doubles
constexpr long double kPowers[kMaxScale + 1] = {1e0L, 1e1L, 1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,
                                                1e8L, 1e9L, 1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L};

using Integers = std::vector<int64_t>;

void PutIntegers(const Integers& values, std::string* out) {
  std::string encoded;
  EncodeIntegers(values, &encoded);
  base::PutString(out, encoded);
}

Integers Whole(const std::vector<long double>& values) {
  Integers integers;
  for (long double value : values) integers.push_back(static_cast<int64_t>(value));
  return integers;
}

// What the last of 64 bits of such a number is worth, and half of it at times. 0: too little to be a double.
double UnitOf(long double number) {
  constexpr uint64_t kBits = 64, kExponentAt = 52, kExponents = 0x7ff;
  uint64_t exponent = std::bit_cast<uint64_t>(static_cast<double>(number)) >> kExponentAt & kExponents;
  return exponent > kBits ? std::bit_cast<double>((exponent - kBits) << kExponentAt) : 0;
}

// How many units the sum is away from what it is taken for. False: it is no whole number of them, or too many.
bool CorrectionOf(long double sum, long double taken_for, int64_t* correction) {
  long double unit = UnitOf(taken_for);
  long double units = unit == 0 ? 0 : (sum - taken_for) / unit;
  if (!(std::fabs(units) < 1e6L)) return false;
  *correction = static_cast<int64_t>(units);
  return taken_for + static_cast<long double>(*correction) * unit == sum;
}

// All as integers over one power of ten.
class Decimals {
 public:
  bool Take(const RollupNumbers& numbers) {
    for (const auto* values : {&numbers.lows, &numbers.highs}) {
      for (long double value : *values) {
        int64_t digits = 0;
        int8_t decimals = 0;
        if (!model::FindDecimal(static_cast<double>(value), &digits, &decimals) || decimals > kMaxScale) return false;
        scale_ = std::max<int>(scale_, decimals);
      }
    }
    for (long double sum : numbers.sums) {
      long double digits = std::round(sum * kPowers[scale_]);
      if (!(std::fabs(digits) < 0x1p62L)) return false;
      sums_.push_back(static_cast<int64_t>(digits));
      if (!CorrectionOf(sum, digits / kPowers[scale_], &corrections_.emplace_back())) return false;
    }
    return Scale(numbers.lows, &lows_) && Scale(numbers.highs, &highs_);
  }

  void Put(std::string* out) const {
    out->push_back(kDecimals);
    out->push_back(static_cast<char>(scale_));
    for (const Integers* values : {&sums_, &corrections_, &lows_, &highs_}) PutIntegers(*values, out);
  }

 private:
  bool Scale(const std::vector<long double>& values, Integers* scaled) const {
    for (long double value : values) {
      long double digits = std::round(value * kPowers[scale_]);
      if (!(std::fabs(digits) < static_cast<long double>(kExact))) return false;
      scaled->push_back(static_cast<int64_t>(digits));
      // As a field column gives it.
      if (model::DecimalValue(scaled->back(), scale_) != static_cast<double>(value)) return false;
    }
    return true;
  }

  int scale_ = 0;
  Integers sums_, corrections_, lows_, highs_;
};

Integers BitsOf(const std::vector<long double>& values) {
  Integers bits;
  for (long double value : values) bits.push_back(std::bit_cast<int64_t>(static_cast<double>(value)));
  return bits;
}

bool PutDoubles(const RollupNumbers& numbers, std::string* out) {
  Integers corrections;
  for (long double sum : numbers.sums) {
    auto nearest = static_cast<double>(sum);
    if (!std::isfinite(nearest) || !CorrectionOf(sum, nearest, &corrections.emplace_back())) return false;
  }
  out->push_back(kDoubles);
  PutIntegers(BitsOf(numbers.sums), out);
  PutIntegers(corrections, out);
  PutIntegers(BitsOf(numbers.lows), out);
  PutIntegers(BitsOf(numbers.highs), out);
  return true;
}

struct Columns {
  std::string_view sums, corrections, lows, highs;
};

bool ReadColumns(base::ByteReader* in, Sort sort, Columns* columns) {
  columns->sums = in->String();
  if (sort != kIntegers) columns->corrections = in->String();
  columns->lows = in->String();
  columns->highs = in->String();
  return in->ok() && in->empty();
}

}  // namespace

bool EncodeRollupNumbers(const RollupNumbers& numbers, std::string* out) {
  if (numbers.whole) {
    out->push_back(kIntegers);
    for (const auto* values : {&numbers.sums, &numbers.lows, &numbers.highs}) PutIntegers(Whole(*values), out);
    return true;
  }
  Decimals decimals;
  if (!decimals.Take(numbers)) return PutDoubles(numbers, out);
  decimals.Put(out);
  return true;
}

bool DecodeRollupNumbers(std::string_view bytes, size_t count, RollupPart part, RollupColumn* out) {
  base::ByteReader in(bytes);
  auto sort = static_cast<Sort>(in.Byte());
  int scale = sort == kDecimals ? in.Byte() : 0;
  Columns columns;
  if (sort >= kSorts || scale > kMaxScale || !ReadColumns(&in, sort, &columns)) return false;
  std::string_view column = part == RollupPart::kLows    ? columns.lows
                            : part == RollupPart::kHighs ? columns.highs
                                                         : columns.sums;
  Integers integers, corrections;
  if (!DecodeIntegers(column, count, &integers)) return false;
  bool corrected = part == RollupPart::kSums && sort != kIntegers;
  if (corrected && !DecodeIntegers(columns.corrections, count, &corrections)) return false;
  out->whole = sort == kIntegers;
  out->values.resize(count);
  for (size_t i = 0; i < count; ++i) {
    long double& value = out->values[i];
    value = sort == kDoubles ? static_cast<long double>(std::bit_cast<double>(integers[i]))
                             : static_cast<long double>(integers[i]);
    if (sort == kDecimals && corrected) value /= kPowers[scale];
    if (sort == kDecimals && !corrected) value = model::DecimalValue(integers[i], scale);
    if (corrected && corrections[i] != 0) value += static_cast<long double>(corrections[i]) * UnitOf(value);
  }
  return true;
}

}  // namespace rankscope::store
