#include "query/cell.h"

#include <cmath>

namespace rankscope::query {
namespace {

int KindOrder(const model::ValueView& value) {
  if (std::holds_alternative<std::monostate>(value)) return 0;
  return std::holds_alternative<std::string_view>(value) ? 2 : 1;
}

long double OrderOf(const model::ValueView& value) {
  if (const auto* time = std::get_if<model::Time>(&value)) return static_cast<long double>(time->ns);
  return *model::WideNumber(value);
}

template <typename T>
void AppendBytes(char tag, T value, std::string* out) {
  out->push_back(tag);
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

bool IsInteger(double value) {
  constexpr double kLimit = 9223372036854775808.0;
  return value == std::floor(value) && value >= -kLimit && value < kLimit;
}

}  // namespace

int Compare(const model::ValueView& a, const model::ValueView& b) {
  int kind = KindOrder(a), other = KindOrder(b);
  if (kind != other) return kind < other ? -1 : 1;
  if (kind == 0) return 0;
  if (kind == 2) {
    int order = std::get<std::string_view>(a).compare(std::get<std::string_view>(b));
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  long double x = OrderOf(a), y = OrderOf(b);
  if (std::isnan(x) || std::isnan(y)) return static_cast<int>(std::isnan(x)) - static_cast<int>(std::isnan(y));
  return x < y ? -1 : x > y ? 1 : 0;
}

model::ValueView ViewOf(const model::Cell& cell) {
  if (const auto* integer = std::get_if<int64_t>(&cell)) return *integer;
  if (const auto* number = std::get_if<double>(&cell)) return *number;
  if (const auto* text = std::get_if<std::string>(&cell)) return std::string_view(*text);
  if (const auto* time = std::get_if<model::Time>(&cell)) return *time;
  return {};
}

void AppendIdentity(const model::ValueView& value, std::string* out) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return AppendBytes('i', *integer, out);
  if (const auto* time = std::get_if<model::Time>(&value)) return AppendBytes('t', time->ns, out);
  if (const auto* number = std::get_if<double>(&value)) {
    if (IsInteger(*number)) return AppendBytes('i', static_cast<int64_t>(*number), out);
    return AppendBytes('d', std::isnan(*number) ? std::nan("") : *number, out);
  }
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    AppendBytes('s', text->size(), out);
    out->append(*text);
    return;
  }
  out->push_back('n');
}

}  // namespace rankscope::query
