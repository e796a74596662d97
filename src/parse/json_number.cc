#include "parse/json_number.h"

#include <charconv>
#include <limits>

namespace rankscope::parse {
namespace {

constexpr uint64_t kExact = uint64_t{1} << 53;  // integers up to it are doubles
constexpr int kMaxDecimals = 18;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool ParseDouble(std::string_view text, model::FieldView* field) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), field->number);
  if (end != text.data() + text.size()) return false;
  if (error == std::errc::result_out_of_range) {
    // Too large is infinite and too small is 0, as every reader of JSON has it.
    size_t exponent = text.find_first_of("eE");
    bool small = exponent != std::string_view::npos && text.substr(exponent + 1).starts_with('-');
    field->number = small ? 0.0 : std::numeric_limits<double>::infinity();
    if (text.starts_with('-')) field->number = -field->number;
  } else if (error != std::errc()) {
    return false;
  }
  field->kind = model::FieldView::Kind::kDouble;
  field->decimals = -1;
  return true;
}

}  // namespace

bool ParseJsonNumber(std::string_view text, model::FieldView* field) {
  const char* at = text.data();
  const char* end = at + text.size();
  bool negative = at != end && *at == '-';
  if (negative) ++at;
  if (at == end || !IsDigit(*at) || (*at == '0' && at + 1 != end && IsDigit(at[1]))) return false;
  uint64_t digits = 0;
  const char* begin = at;
  for (; at != end && IsDigit(*at); ++at) digits = digits * 10 + static_cast<uint64_t>(*at - '0');
  long count = at - begin;
  if (at == end && count <= 18 && !(negative && digits == 0)) {
    field->kind = model::FieldView::Kind::kInteger;
    field->integer = negative ? -static_cast<int64_t>(digits) : static_cast<int64_t>(digits);
    return true;
  }
  if (at == end) {
    auto [stop, error] = std::from_chars(text.data(), end, field->integer);
    if (error == std::errc() && stop == end && digits != 0) {
      field->kind = model::FieldView::Kind::kInteger;
      return true;
    }
    if (error == std::errc::result_out_of_range) {
      field->kind = model::FieldView::Kind::kText;
      field->text = text;
      return true;
    }
  }
  long decimals = 0;
  if (at != end && *at == '.') {
    begin = ++at;
    for (; at != end && IsDigit(*at); ++at) digits = digits * 10 + static_cast<uint64_t>(*at - '0');
    decimals = at - begin;
    count += decimals;
    if (decimals == 0) return false;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    const char* exponent = ++at;
    if (at != end && *at == '+') exponent = ++at;
    int shift = 0;
    auto [stop, error] = std::from_chars(exponent, end, shift);
    if (stop != end || error != std::errc()) return ParseDouble(text, field);
    decimals -= shift;
    at = end;
  }
  if (at != end) return false;
  if (count > 18 || digits >= kExact || decimals < 0 || decimals > kMaxDecimals || (negative && digits == 0)) {
    return ParseDouble(text, field);
  }
  field->kind = model::FieldView::Kind::kDouble;
  field->integer = negative ? -static_cast<int64_t>(digits) : static_cast<int64_t>(digits);
  field->decimals = static_cast<int8_t>(decimals);
  field->number = model::DecimalValue(field->integer, field->decimals);
  return true;
}

}  // namespace rankscope::parse
