#include "store/columns/field_column.h"

#include <algorithm>
#include <cstring>

#include "base/coding.h"
#include "store/columns/compression.h"
#include "store/columns/integer_column.h"

namespace rankscope::store {
namespace {

using Kind = model::FieldView::Kind;

// How a value is kept: each sort in a column of its own.
enum Sort : uint8_t { kInteger, kDecimal, kDouble, kText, kSorts };

constexpr int64_t kMaxScaled = int64_t{1} << 53;
constexpr int64_t kPowers[] = {
    1,         10,         100,         1000,         10000,         100000,         1000000,         10000000,
    100000000, 1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000};
constexpr int kMaxScale = 15;

// The value as integer / 10^decimals, if it is one.
bool AsDecimal(const model::FieldView& value, int64_t* integer, int8_t* decimals) {
  if (value.decimals < 0) return model::FindDecimal(value.number, integer, decimals);
  *integer = value.integer;
  *decimals = value.decimals;
  return true;
}

// One scale for all of them where the digits allow, so that neighbours compare; else a column of scales.
void PutDecimals(std::vector<int64_t> integers, std::vector<int64_t> scales, std::string* out) {
  int64_t largest = *std::max_element(scales.begin(), scales.end());
  std::vector<int64_t> scaled(integers.size());
  bool one_scale = true;
  for (size_t i = 0; i < integers.size() && one_scale; ++i) {
    int64_t shift = largest - scales[i];
    one_scale = shift <= kMaxScale &&
                !__builtin_mul_overflow(integers[i], kPowers[std::min<int64_t>(shift, kMaxScale)], &scaled[i]) &&
                std::abs(scaled[i]) < kMaxScaled;
  }
  if (one_scale) {
    integers = std::move(scaled);
    std::fill(scales.begin(), scales.end(), largest);
  }
  std::string encoded;
  EncodeIntegers(scales, &encoded);
  base::PutString(out, encoded);
  encoded.clear();
  EncodeIntegers(integers, &encoded);
  base::PutString(out, encoded);
}

// Doubles by bytes of equal weight: signs and exponents, which are alike, lie together.
void PutDoubles(const std::vector<double>& numbers, std::string* out) {
  std::string planes(numbers.size() * 8, '\0');
  for (size_t i = 0; i < numbers.size(); ++i) {
    char bytes[8];
    std::memcpy(bytes, &numbers[i], 8);
    for (size_t plane = 0; plane < 8; ++plane) planes[plane * numbers.size() + i] = bytes[plane];
  }
  std::string encoded;
  PutCompressed(planes, kColumnLevel, &encoded);
  base::PutString(out, encoded);
}

bool ReadDoubles(std::string_view bytes, size_t count, std::vector<double>* numbers) {
  std::string planes;
  if (!ReadCompressed(bytes, count * 8, &planes)) return false;
  numbers->resize(count);
  for (size_t i = 0; i < count; ++i) {
    char number[8];
    for (size_t plane = 0; plane < 8; ++plane) number[plane] = planes[plane * count + i];
    std::memcpy(&(*numbers)[i], number, 8);
  }
  return true;
}

}  // namespace

void EncodeFields(const std::vector<model::FieldView>& values, std::string* out) {
  std::vector<int64_t> sorts, integers, decimals, scales;
  std::vector<double> doubles;
  std::vector<std::string_view> texts;
  for (const model::FieldView& value : values) {
    int64_t integer;
    int8_t scale;
    if (value.kind == Kind::kInteger) {
      sorts.push_back(kInteger);
      integers.push_back(value.integer);
    } else if (value.kind == Kind::kText) {
      sorts.push_back(kText);
      texts.push_back(value.text);
    } else if (AsDecimal(value, &integer, &scale)) {
      sorts.push_back(kDecimal);
      decimals.push_back(integer);
      scales.push_back(scale);
    } else {
      sorts.push_back(kDouble);
      doubles.push_back(value.number);
    }
  }
  std::string encoded;
  EncodeIntegers(sorts, &encoded);
  base::PutString(out, encoded);
  if (!integers.empty()) {
    encoded.clear();
    EncodeIntegers(integers, &encoded);
    base::PutString(out, encoded);
  }
  if (!decimals.empty()) PutDecimals(std::move(decimals), std::move(scales), out);
  if (!doubles.empty()) PutDoubles(doubles, out);
  if (!texts.empty()) EncodeTexts(texts, out);
}

bool DecodeFields(std::string_view bytes, size_t count, FieldColumn* column) {
  base::ByteReader in(bytes);
  std::vector<int64_t> sorts, integers, decimals, scales;
  std::vector<double> doubles;
  if (!DecodeIntegers(in.String(), count, &sorts)) return false;
  size_t counts[kSorts] = {};
  for (int64_t sort : sorts) {
    if (sort < 0 || sort >= kSorts) return false;
    ++counts[sort];
  }
  bool ok = counts[kInteger] == 0 || DecodeIntegers(in.String(), counts[kInteger], &integers);
  if (ok && counts[kDecimal] > 0) {
    ok = DecodeIntegers(in.String(), counts[kDecimal], &scales) &&
         DecodeIntegers(in.String(), counts[kDecimal], &decimals);
  }
  if (ok && counts[kDouble] > 0) ok = ReadDoubles(in.String(), counts[kDouble], &doubles);
  if (ok && counts[kText] > 0) ok = DecodeTexts(in.Bytes(in.remaining()), counts[kText], &column->texts);
  if (!ok || !in.ok() || !in.empty()) return false;
  column->values.resize(count);
  size_t next[kSorts] = {};
  for (size_t i = 0; i < count; ++i) {
    model::FieldView& value = column->values[i];
    size_t at = next[sorts[i]]++;
    switch (static_cast<Sort>(sorts[i])) {
      case kInteger:
        value.kind = Kind::kInteger;
        value.integer = integers[at];
        break;
      case kDecimal:
        if (scales[at] < 0 || scales[at] > 18) return false;
        value.decimals = static_cast<int8_t>(scales[at]);
        value.integer = decimals[at];
        value.number = model::DecimalValue(value.integer, value.decimals);
        break;
      case kDouble:
        value.number = doubles[at];
        break;
      default:
        value.kind = Kind::kText;
        value.text = column->texts.texts[at];
    }
  }
  return true;
}

bool DecodeNumbers(std::string_view bytes, size_t count, NumberColumn* column) {
  base::ByteReader in(bytes);
  std::vector<int64_t> sorts, scales, digits;
  if (count == 0 || !DecodeIntegers(in.String(), count, &sorts)) return false;
  bool same = std::all_of(sorts.begin(), sorts.end(), [&](int64_t sort) { return sort == sorts[0]; });
  if (!same) return false;
  if (sorts[0] == kInteger) {
    column->integers = true;
    return DecodeIntegers(in.String(), count, &column->whole) && in.ok() && in.empty();
  }
  if (sorts[0] == kDouble) return ReadDoubles(in.String(), count, &column->doubles) && in.ok() && in.empty();
  if (sorts[0] != kDecimal || !DecodeIntegers(in.String(), count, &scales)) return false;
  if (!DecodeIntegers(in.String(), count, &digits) || !in.ok() || !in.empty()) return false;
  column->doubles.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (scales[i] < 0 || scales[i] > 18) return false;
    column->doubles[i] = model::DecimalValue(digits[i], static_cast<int>(scales[i]));
  }
  return true;
}

}  // namespace rankscope::store
