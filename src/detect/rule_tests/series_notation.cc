#include "detect/rule_tests/series_notation.h"

#include <cmath>

#include "detect/scanner.h"

namespace rankscope::detect {
namespace {

constexpr double kMostValues = 1e6;

std::optional<double> Value(Scanner* scanner) {
  double sign = scanner->Take("-") ? -1 : 1;
  if (auto number = scanner->Number()) return sign * *number;
  if (scanner->Take("nan") || scanner->Take("NaN")) return std::nan("");
  if (scanner->Take("inf") || scanner->Take("Inf")) return sign * HUGE_VAL;
  return std::nullopt;
}

// What stands after x. Nothing: there is no x.
base::Result<std::optional<int64_t>> Times(Scanner* scanner) {
  if (scanner->peek() != 'x') return std::optional<int64_t>();
  scanner->Take("x");
  auto times = scanner->Number();
  if (!times || *times != std::floor(*times) || *times > kMostValues) return scanner->Wrong("how often, up to 1000000");
  return std::optional<int64_t>(static_cast<int64_t>(*times));
}

}  // namespace

base::Result<std::vector<std::optional<double>>> ParseSeriesValues(std::string_view text) {
  Scanner scanner(text);
  std::vector<std::optional<double>> values;
  for (scanner.SkipBlanks(); !scanner.at_end(); scanner.SkipBlanks()) {
    if (scanner.Take("_")) {
      ASSIGN_OR_RETURN(auto times, Times(&scanner));
      values.insert(values.end(), static_cast<size_t>(times.value_or(1)), std::nullopt);
      continue;
    }
    auto first = Value(&scanner);
    if (!first) return scanner.Wrong("a value, as 10-0.01x400, nan or _x3");
    double each = 0;
    char sign = scanner.peek();
    if (sign == '+' || sign == '-') {
      scanner.Take(std::string_view(&sign, 1));
      auto number = scanner.Number();
      if (!number) return scanner.Wrong("a number");
      each = sign == '+' ? *number : -*number;
    }
    ASSIGN_OR_RETURN(auto times, Times(&scanner));
    for (int64_t i = 0; i <= times.value_or(0); ++i) values.emplace_back(*first + each * static_cast<double>(i));
    if (static_cast<double>(values.size()) > kMostValues) return scanner.Wrong("at most 1000000 values");
  }
  return values;
}

}  // namespace rankscope::detect
